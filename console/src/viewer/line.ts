import { type Clock, sleep } from 'clock-port';

/** Milliseconds between two pings, and between two checks of their answers. */
const PING_MS = 2_000;
const LOOK_MS = 500;
/** Milliseconds without any byte, with a ping unanswered, after which keys are held back … */
const SILENT_MS = 2_500;
/** … and after which the connection counts as dead. */
const DEAD_MS = 6_000;

export interface LineDeps {
  readonly clock: Clock;
  /** Sends one text frame [VIEW4]. */
  send(text: string): void;
  /** The connection became silent, or receives bytes again. */
  onSilence(silent: boolean): void;
  /** Called once: a new connection is needed. */
  onDead(): void;
  /** Milliseconds that a ping and its answer took. */
  onRoundTrip(ms: number): void;
}

interface Ping {
  readonly number: number;
  readonly at: number;
  /** Keys typed before it. */
  readonly keys: number;
}

/**
 * Detects whether the hub is still at the other end of a screen's WebSocket. A connection that loses all bytes (a broken VPN, an expired NAT entry, another
 * network) stays open for minutes; only an unanswered ping shows it. Any byte counts as an answer.
 */
export class Line {
  readonly #deps: LineDeps;
  #heardAt: number;
  #lookedAt: number;
  #pings: Ping[] = [];
  #asked: Ping = { number: 0, at: -Infinity, keys: 0 };
  #silent = false;
  #typed = 0;
  #arrived = 0;

  constructor(deps: LineDeps) {
    this.#deps = deps;
    this.#heardAt = this.#lookedAt = deps.clock.monotonic();
  }

  /** Checks until the signal aborts. Begins with a ping: call it when the socket is open. */
  async watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#look();
      await sleep(this.#deps.clock, LOOK_MS, signal).catch(() => undefined);
    }
  }

  /** Bytes came. */
  heard(): void {
    this.#heardAt = this.#deps.clock.monotonic();
    this.#setSilent(false);
  }

  /** A text frame came. */
  text(text: string): void {
    this.heard();
    const number = Number(/^pong (\d{1,15})$/.exec(text)?.[1]);
    const at = this.#pings.findIndex((ping) => ping.number === number);
    if (at < 0) return;
    const ping = this.#pings[at]!;
    this.#pings = this.#pings.slice(at + 1);
    this.#arrived = ping.keys;
    this.#deps.onRoundTrip(this.#heardAt - ping.at);
  }

  /** A key was pressed. */
  typed(): void {
    this.#typed += 1;
  }

  /** Keys without a sign of their arrival. */
  get unconfirmed(): number {
    return this.#typed - this.#arrived;
  }

  #look(): void {
    const now = this.#deps.clock.monotonic();
    // a suspended page, or one slowed down in the background, has received nothing; it pings first
    if (now - this.#lookedAt > 4 * LOOK_MS) {
      this.#heardAt = now;
      this.#pings = [];
    }
    this.#lookedAt = now;
    const [oldest] = this.#pings;
    const silentMs = oldest === undefined ? 0 : now - Math.max(oldest.at, this.#heardAt);
    if (silentMs >= DEAD_MS) return this.#deps.onDead();
    if (silentMs >= SILENT_MS) this.#setSilent(true);
    const news = this.#typed > this.#asked.keys;
    if (now - this.#asked.at >= (news ? LOOK_MS : PING_MS)) this.#ping(now);
  }

  #ping(now: number): void {
    this.#asked = { number: this.#asked.number + 1, at: now, keys: this.#typed };
    // a slow connection may answer late; at most this many pings are remembered
    this.#pings = [...this.#pings.slice(-15), this.#asked];
    this.#deps.send(`ping ${this.#asked.number}`);
  }

  #setSilent(silent: boolean): void {
    if (silent === this.#silent) return;
    this.#silent = silent;
    this.#deps.onSilence(silent);
  }
}
