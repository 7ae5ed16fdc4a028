import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock, Timer } from 'clock-port';
import { type MuxStream, StreamSpaceError } from '@streamspace/protocol';
import { ViewerInput } from './viewer-input.ts';

/** Longest pause of the other direction after one has ended, milliseconds. */
const LINGER = 10_000;

/**
 * Relays bytes between a session's screen and a stream of the link, in both directions, each as fast as its slower end. No promise, no copy and
 * no timer per chunk.
 */
export class Tunnel {
  readonly #screen: Duplex;
  readonly #clock: Clock;
  readonly #idleTimeout: number;
  readonly #onInput: (() => void) | undefined;
  readonly #input = new ViewerInput();
  readonly #onOver: (error: StreamSpaceError | undefined) => void;
  #stream: MuxStream | undefined;
  #timer: Timer | undefined;
  #activeAt: number;
  #screenEnded = false;
  #screenClosed = false;
  #viewerEnded = false;
  #over = false;

  /**
   * `onOver`: called once, when both ends are closed; with an error that the other end does not know yet: send `vnc_disconnect`.
   * `idleTimeout`: milliseconds without a byte in either direction. `onInput`: called when the viewer typed or moved the mouse.
   */
  constructor(
    screen: Duplex,
    clock: Clock,
    idleTimeout: number,
    onOver: (error: StreamSpaceError | undefined) => void,
    onInput?: () => void,
  ) {
    this.#onInput = onInput;
    this.#screen = screen;
    this.#clock = clock;
    this.#idleTimeout = idleTimeout;
    this.#onOver = onOver;
    this.#activeAt = clock.monotonic();
  }

  /** The handler for messages of the stream's other end, passed at its opening. */
  readonly handler = {
    onData: (data: Buffer, consumed: () => void): void => {
      this.#activeAt = this.#clock.monotonic();
      if (this.#onInput !== undefined && this.#input.sees(data)) this.#onInput();
      // the screen no longer listens; the viewer's end may still need the notice
      if (this.#screenClosed || this.#viewerEnded) return consumed();
      this.#screen.write(data, consumed);
    },
    onEnd: (): void => {
      this.#viewerEnded = true;
      this.#screen.end();
      this.#linger();
    },
    onDrain: (): void => void this.#screen.resume(),
    /** The mux ended the stream: the other end or the link is the reason. */
    onClose: (error?: Error): void => this.#finish(undefined, error === undefined),
  };

  /** Starts the flow. */
  start(stream: MuxStream): void {
    this.#stream = stream;
    const screen = this.#screen;
    if (screen instanceof Socket) screen.setNoDelay(true);
    screen.on('data', this.#onScreenData);
    screen.on('end', () => {
      this.#screenEnded = true;
      stream.end();
      this.#linger();
    });
    screen.on('error', (error) =>
      this.#finish(new StreamSpaceError('screen_unreachable', `The screen's connection broke: ${error.message}`)),
    );
    screen.on('close', () => {
      this.#screenClosed = true;
      if (!this.#screenEnded) this.#finish(new StreamSpaceError('screen_unreachable', 'The session closed its screen'));
    });
    if (screen.destroyed)
      return this.#finish(new StreamSpaceError('screen_unreachable', 'The session closed its screen'));
    this.#watchIdle(this.#idleTimeout);
  }

  /** Ends both directions now. `error` absent: the other end knows. */
  close(error: StreamSpaceError | undefined): void {
    this.#finish(error);
  }

  readonly #onScreenData = (chunk: Buffer): void => {
    this.#activeAt = this.#clock.monotonic();
    if (!this.#stream!.write(chunk)) this.#screen.pause();
  };

  /** One direction has ended: the wait for the other becomes shorter. */
  #linger(): void {
    this.#activeAt = this.#clock.monotonic();
    this.#timer?.cancel();
    if (!this.#over) this.#watchIdle(Math.min(LINGER, this.#idleTimeout));
  }

  #watchIdle(limit: number): void {
    const check = () => {
      const idle = this.#clock.monotonic() - this.#activeAt;
      if (idle < limit) this.#timer = this.#clock.setTimeout(check, limit - idle);
      else this.#finish(new StreamSpaceError('idle_timeout', `The screen was idle for ${limit} ms; connect again`));
    };
    this.#timer = this.#clock.setTimeout(check, limit);
  }

  /** `orderly`: both directions ended by themselves, and the viewer's last bytes may still be on their way to the screen. */
  #finish(error: StreamSpaceError | undefined, orderly = false): void {
    if (this.#over) return;
    this.#over = true;
    this.#timer?.cancel();
    const screen = this.#screen;
    screen.off('data', this.#onScreenData);
    if (!orderly || screen.writableFinished || screen.destroyed) screen.destroy();
    else {
      const timer = this.#clock.setTimeout(() => screen.destroy(), LINGER);
      screen.once('finish', () => screen.destroy());
      screen.once('close', () => timer.cancel());
    }
    this.#stream?.reset(error);
    this.#onOver(error);
  }
}
