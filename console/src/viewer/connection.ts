import RFB from '@novnc/novnc';
import { systemClock } from 'clock-port/system-clock';
import { whenAborted } from 'clock-port/waiting';
import { SCREEN_SUBPROTOCOL } from '@streamspace/protocol/version';
import { Line } from './line.ts';
import { LINE_DIED, NOBODY_TOOK_IT, type Verdict, verdictOfClose } from './reconnect.ts';

/** Longest time from the open socket to the first picture, milliseconds. */
const CONNECT_MS = 15_000;

export interface ConnectionDeps {
  /** Parent element of the canvas. */
  readonly holder: HTMLElement;
  readonly socket: WebSocket;
  /** Milliseconds for the socket to open. */
  readonly openingMs: number;
  onOpen(): void;
  onConnected(): void;
  /** Text that was copied in the desktop. */
  onClipboard(text: string): void;
  /** The connection is over; the canvas still has the last picture. */
  onLastPicture(canvas: HTMLCanvasElement): void;
  onSilence(silent: boolean): void;
  onRoundTrip(ms: number): void;
  /** A text frame; false: it is for the line. */
  onText(text: string): boolean;
}

export interface End {
  readonly verdict: Verdict;
  /** Milliseconds for which the screen was connected. */
  readonly upMs: number;
  /** Whether a WebSocket opened. */
  readonly opened: boolean;
  /** Typed keys without a sign of their arrival. */
  readonly lost: number;
}

/** One WebSocket to a screen, and noVNC on it, from its opening to its end. */
export class ScreenConnection {
  readonly rfb: RFB;
  /** Never rejects. */
  readonly ended: Promise<End>;
  readonly #deps: ConnectionDeps;
  /** What holds noVNC's canvas. */
  readonly room = document.createElement('div');
  readonly #over = new AbortController();
  readonly #line: Line;
  #connectedAt: number | undefined;
  #opened = false;
  #resolve!: (end: End) => void;

  constructor(deps: ConnectionDeps) {
    const { socket, holder } = deps;
    this.#deps = deps;
    this.ended = new Promise((resolve) => (this.#resolve = resolve));
    this.#line = new Line({
      clock: systemClock,
      send: (text) => socket.readyState === WebSocket.OPEN && socket.send(text),
      onSilence: (silent) => {
        if (silent) this.#keepPicture();
        deps.onSilence(silent);
      },
      onRoundTrip: (ms) => deps.onRoundTrip(ms),
      onDead: () => this.drop(LINE_DIED),
    });
    let closed = { code: 1006, reason: '' };
    let refusal: string | undefined;
    // all before noVNC's own listeners: text frames are not for it, and it removes its canvas with the connection
    socket.addEventListener('message', (event) => {
      if (typeof event.data !== 'string') return this.#line.heard();
      event.stopImmediatePropagation();
      if (deps.onText(event.data)) this.#line.heard();
      else this.#line.text(event.data);
    });
    socket.addEventListener('close', ({ code, reason }) => {
      closed = { code, reason };
      this.#keepPicture();
    });
    this.room.className = 'viewer-room';
    holder.append(this.room);
    const rfb = new RFB(this.room, socket, { shared: true });
    this.rfb = rfb;
    const first = setTimeout(() => this.drop(verdictOfClose(1006, '', false)), CONNECT_MS);
    const opening = setTimeout(() => this.drop(NOBODY_TOOK_IT), deps.openingMs);
    whenAborted(this.#over.signal, () => {
      clearTimeout(first);
      clearTimeout(opening);
    });
    socket.addEventListener('open', () => {
      clearTimeout(opening);
      this.#opened = true;
      deps.onOpen();
      if (socket.protocol === SCREEN_SUBPROTOCOL) void this.#line.watch(this.#over.signal);
    });
    rfb.addEventListener('connect', () => {
      clearTimeout(first);
      this.#connectedAt = performance.now();
      deps.onConnected();
    });
    rfb.addEventListener('clipboard', (event) => deps.onClipboard(event.detail.text));
    rfb.addEventListener('securityfailure', (event) => {
      refusal = `The desktop refused the connection: ${event.detail.reason ?? `security status ${event.detail.status}`}`;
    });
    rfb.addEventListener('credentialsrequired', () =>
      this.drop({
        next: 'stop',
        words: 'The desktop asks for a password of its own; sessions of StreamSpace have none.',
      }),
    );
    rfb.addEventListener('disconnect', () => {
      const connected = this.#connectedAt !== undefined;
      this.drop(
        refusal === undefined
          ? verdictOfClose(closed.code, closed.reason, connected)
          : { next: 'stop', words: refusal },
      );
    });
  }

  /** noVNC's, as long as the connection lasts. */
  get canvas(): HTMLCanvasElement | undefined {
    return this.room.querySelector('canvas') ?? undefined;
  }

  /** Sends a text frame [VIEW6]. */
  say(text: string): void {
    const { socket } = this.#deps;
    if (socket.readyState === WebSocket.OPEN) socket.send(text);
  }

  /** A key was pressed while the screen was shown. */
  typed(): void {
    this.#line.typed();
  }

  /** Keys without a sign of their arrival. */
  get unconfirmed(): number {
    return this.#line.unconfirmed;
  }

  /** Ends the connection at once, without waiting for the other end. Only the first verdict counts. */
  drop(verdict: Verdict): void {
    if (this.#over.signal.aborted) return;
    this.#over.abort();
    this.#keepPicture();
    this.rfb.disconnect();
    this.room.remove();
    const upMs = this.#connectedAt === undefined ? 0 : performance.now() - this.#connectedAt;
    this.#resolve({ verdict, upMs, opened: this.#opened, lost: this.unconfirmed });
  }

  #keepPicture(): void {
    const { canvas } = this;
    if (this.#connectedAt !== undefined && canvas !== undefined) this.#deps.onLastPicture(canvas);
  }
}
