import {
  asStreamSpaceError,
  closeSocket,
  type MuxStream,
  type StreamHandler,
  StreamSpaceError,
} from '@streamspace/protocol';
import type { Clock } from 'clock-port';
import type { WebSocket } from 'ws';
import type { LinkMetrics } from '../agents/link/metrics.ts';
import { answerPing } from './ping.ts';
import { Presence } from './presence.ts';
import type { Seat } from './steering.ts';
import type { LinkStreams } from './streams.ts';

const BINARY = { binary: true, compress: false };
/** Milliseconds from the hub's close to the end of the socket, for a viewer that does not answer the close … */
const CLOSE_MS = 2_000;
/** … and after an orderly end, so that the screen's last bytes arrive. */
const LINGER_MS = 5_000;

export interface ViewerOptions {
  readonly clock: Clock;
  readonly metrics: LinkMetrics;
  /** The other end is another hub replica, which relays the bytes to its viewer. */
  readonly peer?: boolean;
  /** The error to report to the other end, for the error that ended the stream. */
  explain(error: StreamSpaceError): StreamSpaceError;
  /** Called once, when the viewer has gone or is being closed. */
  closed(): void;
}

export const notBinary = (): StreamSpaceError =>
  new StreamSpaceError('malformed_frame', 'a screen takes binary frames only');

/** One viewer's WebSocket and its stream: bytes both ways, within the credit of each. */
export class Viewer implements StreamHandler {
  readonly #ws: WebSocket;
  readonly #options: ViewerOptions;
  readonly #presence: Presence;
  #streams: LinkStreams | undefined;
  #stream: MuxStream | undefined;
  #over = false;
  /** This viewer's seat among those that may steer the session's size [VIEW6]. */
  seat: Seat | undefined;

  constructor(ws: WebSocket, options: ViewerOptions) {
    this.#ws = ws;
    this.#options = options;
    this.#presence = new Presence(ws, options.clock);
    ws.on('message', (data, isBinary) => this.#fromViewer(data as Buffer, isBinary));
    // ws ends the socket itself after an error, and `close` follows
    ws.on('error', () => {});
    ws.on('close', () => this.#finish());
  }

  /** Throws when no stream can be opened. */
  open(streams: LinkStreams, sessionId: string): void {
    this.#streams = streams;
    try {
      const stream = streams.open(sessionId, this, () =>
        this.#options.metrics.viewers.inc({ outcome: this.#options.peer === true ? 'opened_for_peer' : 'opened' }),
      );
      if (this.#over) return;
      this.#stream = stream;
    } catch (error) {
      this.#finish();
      throw error;
    }
  }

  onData(data: Buffer, consumed: () => void): void {
    if (this.#options.peer === true) this.#options.metrics.bytesToPeers += data.length;
    else this.#options.metrics.bytesToViewers += data.length;
    // `consumed` gives the agent new credit when the bytes have left this process, not when they arrive
    this.#ws.send(data, BINARY, consumed);
  }

  onEnd(): void {
    // The screen has closed its end and needs nothing more from the viewer.
    this.close(undefined);
  }

  onDrain(): void {
    this.#ws.resume();
  }

  onClose(error?: Error): void {
    this.#stream = undefined;
    this.close(error === undefined ? undefined : this.#options.explain(asStreamSpaceError(error)));
  }

  /** Closes the viewer's socket with the error's code, or normally (1000). Bytes sent before arrive first. */
  close(error: StreamSpaceError | undefined): void {
    if (this.#over) return;
    this.#finish(error);
    Viewer.refuse(this.#ws, this.#options.clock, error);
  }

  /** Sends a text frame, unless the viewer takes no more. */
  tell(text: string): void {
    if (this.#ws.readyState === this.#ws.OPEN) this.#ws.send(text);
  }

  /** Pings, and ends the socket of a viewer that has not answered for too long. */
  check(): void {
    this.#presence.check();
  }

  /**
   * Sends the other replica a sign of life. Its own pings would not show that this replica is alive: this replica does not read them while the
   * screen takes no input.
   */
  beat(): void {
    if (this.#options.peer === true && this.#ws.readyState === this.#ws.OPEN) this.#ws.ping();
  }

  static refuse(ws: WebSocket, clock: Clock, error: StreamSpaceError | undefined): void {
    if (ws.listenerCount('error') === 0) ws.on('error', () => {});
    const closing =
      error === undefined
        ? { code: 1000, reason: 'the screen closed', withinMs: LINGER_MS }
        : { code: error.close, reason: error.message, withinMs: CLOSE_MS };
    // settles by itself and never rejects
    void closeSocket(ws, clock, closing);
    // the answer to this close may come after data that is no longer needed
    ws.resume();
  }

  #fromViewer(data: Buffer, isBinary: boolean): void {
    this.#presence.heard();
    if (this.#stream === undefined) return;
    if (!isBinary) {
      if (!answerPing(this.#ws, data) && this.seat?.heard(data) !== true) this.close(notBinary());
      return;
    }
    if (this.#options.peer === true) this.#options.metrics.bytesFromPeers += data.length;
    else this.#options.metrics.bytesFromViewers += data.length;
    if (!this.#stream.write(data)) this.#ws.pause();
  }

  /** The viewer is over: ends its stream and tells the agent. */
  #finish(error?: StreamSpaceError): void {
    if (this.#over) return;
    this.#over = true;
    this.seat?.leave();
    const stream = this.#stream;
    this.#stream = undefined;
    if (stream !== undefined) this.#streams?.close(stream, error);
    this.#options.closed();
  }
}
