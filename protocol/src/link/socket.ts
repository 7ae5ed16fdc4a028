import type { Clock } from 'clock-port';

type Done = (error?: Error | null) => void;

/** The part of a WebSocket that a link uses: `ws`'s own, or a test's. Messages are Buffers (its `binaryType` is "nodebuffer"). */
export interface LinkSocket {
  readonly readyState: number;
  readonly OPEN: number;
  readonly CLOSED: number;
  /** Bytes accepted and not yet flushed. */
  readonly bufferedAmount: number;
  send(data: string | Buffer, options: { binary: boolean; compress: boolean }, done: Done): void;
  ping(data: undefined, mask: undefined, done: Done): void;
  close(code: number, reason: string): void;
  /** Ends the socket without the closing handshake. */
  terminate(): void;
  on(event: 'message', listener: (data: Buffer, isBinary: boolean) => void): unknown;
  on(event: 'ping' | 'pong', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'close', listener: (code: number, reason: Buffer) => void): unknown;
  once(event: 'close', listener: () => void): unknown;
  off(event: 'pong', listener: () => void): unknown;
}

/** The end of a socket: the close frame with its code and reason, and milliseconds for the other end to answer it. */
export interface Closing {
  readonly code: number;
  readonly reason: string;
  readonly withinMs: number;
}

/** Closes a WebSocket; resolves when the socket is gone, at most `withinMs` later. */
export function closeSocket(
  ws: Pick<LinkSocket, 'readyState' | 'CLOSED' | 'close' | 'terminate' | 'once'>,
  clock: Clock,
  { code, reason, withinMs }: Closing,
): Promise<void> {
  const gone = socketGone(ws, clock, withinMs);
  ws.close(code, closeReason(reason));
  return gone;
}

/** Resolves when a closing WebSocket is gone; ends it after `withinMs`. */
export function socketGone(
  ws: Pick<LinkSocket, 'readyState' | 'CLOSED' | 'terminate' | 'once'>,
  clock: Clock,
  withinMs: number,
): Promise<void> {
  if (ws.readyState === ws.CLOSED) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = clock.setTimeout(() => ws.terminate(), withinMs);
    ws.once('close', () => {
      timer.cancel();
      resolve();
    });
  });
}

/** A WebSocket close reason holds at most 123 bytes of UTF-8: the text, cut at a character if it is longer. */
export function closeReason(text: string): string {
  if (Buffer.byteLength(text) <= 123) return text;
  const cut = Buffer.from(text).subarray(0, 120);
  // a half character decodes to U+FFFD at the end
  return `${cut.toString('utf8').replace(/\uFFFD+$/u, '')}…`;
}
