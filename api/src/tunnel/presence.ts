import { Pulse } from '@streamspace/protocol';
import type { Clock } from 'clock-port';
import type { WebSocket } from 'ws';

/** Milliseconds between two pings, at most. */
const PING_MS = 20_000;
/** Milliseconds between two looks. */
export const PRESENCE_LOOK_MS = PING_MS / 4;
/** Milliseconds without a sign of life after which a viewer is dead. */
const DEAD_MS = 60_000;
/** The same for one that has bytes to take and doesn't: a page may be frozen for a while, and costs its credit only. */
const FROZEN_MS = 15 * 60_000;

/** Whether somebody is still at the other end of a viewer's WebSocket. */
export class Presence {
  readonly #ws: WebSocket;
  readonly #pulse: Pulse;

  constructor(ws: WebSocket, clock: Clock) {
    this.#ws = ws;
    this.#pulse = new Pulse(clock);
    ws.on('pong', () => this.heard());
    // another replica asks whether we are here, and by that says that it is, even while it doesn't read
    ws.on('ping', () => this.heard());
  }

  heard(): void {
    this.#pulse.heard();
  }

  /** Pings when it is time, and ends the socket of one that hasn't answered for too long. */
  check(): void {
    if (this.#pulse.isLost(this.#ws.bufferedAmount > 0 ? FROZEN_MS : DEAD_MS)) return this.#ws.terminate();
    if (!this.#pulse.isDue(PING_MS - PRESENCE_LOOK_MS)) return;
    this.#pulse.asked();
    // Behind the bytes that wait: whoever takes them, however slowly, answers.
    this.#ws.ping();
  }
}
