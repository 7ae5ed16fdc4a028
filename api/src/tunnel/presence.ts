import { Pulse } from '@streamspace/protocol';
import type { Clock } from 'clock-port';
import type { WebSocket } from 'ws';

/** Longest time between two pings, milliseconds. */
const PING_MS = 20_000;
/** Time between two checks, milliseconds. */
export const PRESENCE_LOOK_MS = PING_MS / 4;
/** Milliseconds without a sign of life after which a viewer is dead. */
const DEAD_MS = 60_000;
/** The same for a viewer that does not take its waiting bytes: a page may be frozen for a while, which costs only its credit. */
const FROZEN_MS = 15 * 60_000;

/** Whether the other end of a viewer's WebSocket is still there. */
export class Presence {
  readonly #ws: WebSocket;
  readonly #pulse: Pulse;

  constructor(ws: WebSocket, clock: Clock) {
    this.#ws = ws;
    this.#pulse = new Pulse(clock);
    ws.on('pong', () => this.heard());
    // a ping of another replica, which asks for this end, is also its own sign of life, even while it does not read
    ws.on('ping', () => this.heard());
  }

  heard(): void {
    this.#pulse.heard();
  }

  /** Pings when it is time, and ends the socket of a viewer that has not answered for too long. */
  check(): void {
    if (this.#pulse.isLost(this.#ws.bufferedAmount > 0 ? FROZEN_MS : DEAD_MS)) return this.#ws.terminate();
    if (!this.#pulse.isDue(PING_MS - PRESENCE_LOOK_MS)) return;
    this.#pulse.asked();
    // The ping is sent after the waiting bytes: a viewer that takes them, however slowly, answers.
    this.#ws.ping();
  }
}
