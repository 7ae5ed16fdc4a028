import type { Clock } from 'clock-port';
import type { WebSocket } from 'ws';

/** Milliseconds without a sign of life after which a viewer is dead. */
const DEAD_MS = 60_000;
/** The same for one that has bytes to take and doesn't: a page may be frozen for a while, and costs its credit only. */
const FROZEN_MS = 15 * 60_000;

/** Whether somebody is still at the other end of a viewer's WebSocket. */
export class Presence {
  readonly #ws: WebSocket;
  readonly #clock: Clock;
  #lastAlive: number;

  constructor(ws: WebSocket, clock: Clock) {
    this.#ws = ws;
    this.#clock = clock;
    this.#lastAlive = clock.monotonic();
    ws.on('pong', () => this.heard());
    // another replica asks whether we are here, and by that says that it is, even while it doesn't read
    ws.on('ping', () => this.heard());
  }

  heard(): void {
    this.#lastAlive = this.#clock.monotonic();
  }

  /** Pings, and ends the socket of one that hasn't answered for too long. */
  check(): void {
    const silent = this.#clock.monotonic() - this.#lastAlive;
    if (silent > (this.#ws.bufferedAmount > 0 ? FROZEN_MS : DEAD_MS)) this.#ws.terminate();
    // Behind the bytes that wait: whoever takes them, however slowly, answers.
    else this.#ws.ping();
  }
}
