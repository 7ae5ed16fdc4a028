import { EventEmitter } from 'node:events';
import type { Random } from '../random.ts';
import type { VirtualClock } from '../virtual-clock.ts';
import type { SimProcess } from './process.ts';

const OPEN = 1;
const CLOSED = 3;

/**
 * One end of a WebSocket in a simulation, with the part of the `ws` package's interface that our programs use. Frames of one socket arrive in
 * order or not at all (TCP); frames of different sockets may overtake each other.
 */
export class SimSocket extends EventEmitter {
  readonly CONNECTING = 0;
  readonly OPEN = OPEN;
  readonly CLOSING = 2;
  readonly CLOSED = CLOSED;
  readyState: number = OPEN;
  bufferedAmount = 0;
  readonly process: SimProcess;
  peer!: SimSocket;
  readonly #network: SimNetwork;
  /** When the last frame sent arrives: the next one can't arrive before it. */
  #lastArrival = 0;

  constructor(process: SimProcess, network: SimNetwork) {
    super();
    this.process = process;
    this.#network = network;
    process.onCrash(() => this.#reset());
  }

  send(data: string | Buffer, options?: unknown, callback?: (error?: Error) => void): void {
    const done = typeof options === 'function' ? (options as (error?: Error) => void) : callback;
    if (this.readyState !== OPEN) {
      done?.(new Error('WebSocket is not open'));
      return;
    }
    const frame = typeof data === 'string' ? Buffer.from(data) : Buffer.from(data);
    this.bufferedAmount += frame.length;
    this.#transmit(() => this.peer.#receive('message', frame, typeof data !== 'string'));
    this.#network.soon(this.process, () => {
      this.bufferedAmount -= frame.length;
      done?.();
    });
  }

  ping(_data?: unknown, _mask?: unknown, callback?: (error?: Error) => void): void {
    if (this.readyState !== OPEN) {
      callback?.(new Error('WebSocket is not open'));
      return;
    }
    this.#transmit(() => {
      if (this.peer.readyState !== OPEN) return;
      // the library answers pings, but not in a paused process
      this.peer.process.run(() => {
        this.peer.emit('ping');
        this.peer.#transmit(() => this.#receive('pong'));
      });
    });
  }

  close(code = 1000, reason: string | Buffer = ''): void {
    if (this.readyState === CLOSED) return;
    this.#transmit(() => this.peer.#closed(code, Buffer.from(reason)));
    this.#network.soon(this.process, () => this.#closed(code, Buffer.from(reason)));
    this.readyState = 2;
  }

  terminate(): void {
    if (this.readyState === CLOSED) return;
    this.#transmit(() => this.peer.#closed(1006, Buffer.alloc(0)));
    this.#network.soon(this.process, () => this.#closed(1006, Buffer.alloc(0)));
    this.readyState = 2;
  }

  pause(): void {}
  resume(): void {}

  /** The process died; its kernel says so, unless the network is cut. */
  #reset(): void {
    if (this.readyState === CLOSED) return;
    this.readyState = CLOSED;
    this.#transmit(() => this.peer.#closed(1006, Buffer.alloc(0)));
  }

  #transmit(arrive: () => void): void {
    const { network, arrival } = { network: this.#network, arrival: this.#network.arrival(this.#lastArrival) };
    this.#lastArrival = arrival;
    network.deliver(this.process.name, this.peer.process.name, arrival, arrive);
  }

  #receive(event: 'message' | 'pong', ...args: unknown[]): void {
    this.process.run(() => {
      if (this.readyState !== CLOSED) this.emit(event, ...args);
    });
  }

  #closed(code: number, reason: Buffer): void {
    this.process.run(() => {
      if (this.readyState === CLOSED) return;
      this.readyState = CLOSED;
      this.emit('close', code, reason);
    });
  }
}

/** A network between processes: delays, and silent cuts. */
export class SimNetwork {
  readonly #clock: VirtualClock;
  readonly #random: Random;
  readonly #maxDelay: number;
  /** Cut ways, `from>to`, one direction each, with what waits there for a retransmission. */
  readonly #cuts = new Map<string, (() => void)[]>();

  /** Until then what was held back is on its way: nothing may overtake it. */
  #healedUntil = 0;

  constructor(clock: VirtualClock, random: Random, maxDelayMs: number) {
    this.#clock = clock;
    this.#random = random;
    this.#maxDelay = maxDelayMs;
  }

  /** Nothing arrives any more in that direction, and nobody is told: connections are half open. */
  cut(from: string, to: string): void {
    if (!this.isCut(from, to)) this.#cuts.set(`${from}>${to}`, []);
  }

  /** What was sent meanwhile arrives now, in order, as TCP has it; connections that were given up meanwhile ignore it. */
  heal(): void {
    this.#healedUntil = this.#clock.monotonic() + this.#maxDelay;
    for (const held of this.#cuts.values()) for (const arrive of held) this.#clock.setTimeout(arrive, this.#maxDelay);
    this.#cuts.clear();
  }

  isCut(from: string, to: string): boolean {
    return this.#cuts.has(`${from}>${to}`);
  }

  /** A new connection between two processes: [the dialler's end, the listener's end]. */
  connect(from: SimProcess, to: SimProcess): [SimSocket, SimSocket] {
    const near = new SimSocket(from, this);
    const far = new SimSocket(to, this);
    near.peer = far;
    far.peer = near;
    return [near, far];
  }

  /** When something sent now arrives: not before what was sent earlier the same way. */
  arrival(notBefore: number): number {
    return Math.max(notBefore, this.#healedUntil, this.#clock.monotonic() + this.#random.next() * this.#maxDelay);
  }

  deliver(from: string, to: string, arrival: number, arrive: () => void): void {
    const held = this.#cuts.get(`${from}>${to}`);
    if (held !== undefined) held.push(arrive);
    else this.#clock.setTimeout(arrive, arrival - this.#clock.monotonic());
  }

  /** Right after what is being done now, as a callback of the process's own event loop. */
  soon(process: SimProcess, step: () => void): void {
    this.#clock.setTimeout(() => process.run(step), 0);
  }
}
