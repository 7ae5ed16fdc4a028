import { type Clock, sleep } from 'clock-port';

/** The longest pause between two looks at which sessions run: a tenth of the timeout, within these bounds. Milliseconds. */
const SOONEST_MS = 100;
const LATEST_MS = 30_000;
/** A session that could not be hibernated is tried again after this long, or after the timeout if that is less. Milliseconds. */
const AGAIN_MS = 60_000;
/** So long before it is hibernated a session is announced, or half the timeout if that is less. Milliseconds. */
const NOTICE_MS = 60_000;

export interface IdlenessOptions {
  readonly clock: Clock;
  /** Milliseconds without input. */
  readonly timeout: number;
  /** Ids of the sessions that run. */
  running(): readonly string[];
  /** Nobody uses it: it is hibernated in so many milliseconds; undefined: not any more. */
  onNotice(sessionId: string, inMs: number | undefined): void;
  /** Nobody used it for the timeout, though it was announced. */
  onIdle(sessionId: string): void;
}

interface Use {
  /** Monotonic milliseconds. */
  readonly usedAt: number;
  /** When it is hibernated, once that is announced. */
  readonly sleepsAt?: number;
}

/**
 * Since when nobody typed or moved the mouse in each session that runs. Lives as long as a leadership does: a session counts as used
 * when this one first sees it run, so a failover only ever makes the wait longer. No session is told as idle that was not announced before.
 */
export class Idleness {
  readonly #options: IdlenessOptions;
  readonly #noticeMs: number;
  readonly #uses = new Map<string, Use>();

  constructor(options: IdlenessOptions) {
    this.#options = options;
    this.#noticeMs = Math.min(NOTICE_MS, options.timeout / 2);
  }

  /** Somebody uses the session, or wants it to stay awake. */
  used(sessionId: string): void {
    const announced = this.#uses.get(sessionId)?.sleepsAt !== undefined;
    this.#uses.set(sessionId, { usedAt: this.#options.clock.monotonic() });
    if (announced) this.#options.onNotice(sessionId, undefined);
  }

  /** What is announced now: session and milliseconds that are left. */
  get notices(): [sessionId: string, inMs: number][] {
    const now = this.#options.clock.monotonic();
    return [...this.#uses].flatMap(([id, { sleepsAt }]) =>
      sleepsAt === undefined ? [] : [[id, Math.max(0, sleepsAt - now)]],
    );
  }

  /** Looks until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, timeout } = this.#options;
    const longest = Math.min(Math.max(timeout / 10, SOONEST_MS), LATEST_MS);
    while (!signal.aborted) {
      this.#look();
      const pause = Math.min(Math.max(this.#nextDue() - clock.monotonic(), SOONEST_MS), longest);
      await sleep(clock, pause, signal).catch(() => undefined);
    }
  }

  #look(): void {
    const { clock, timeout } = this.#options;
    const now = clock.monotonic();
    const ids = new Set(this.#options.running());
    for (const id of this.#uses.keys()) if (!ids.has(id)) this.#uses.delete(id);
    for (const id of ids) {
      const use = this.#uses.get(id);
      if (use === undefined) this.#uses.set(id, { usedAt: now });
      else if (use.sleepsAt === undefined) {
        if (now < use.usedAt + timeout - this.#noticeMs) continue;
        this.#uses.set(id, { ...use, sleepsAt: now + this.#noticeMs });
        this.#options.onNotice(id, this.#noticeMs);
      } else if (now >= use.sleepsAt) {
        this.#uses.set(id, { usedAt: now - timeout + Math.min(timeout, AGAIN_MS) });
        this.#options.onNotice(id, undefined);
        this.#options.onIdle(id);
      }
    }
  }

  /** When the first of them is to be announced or hibernated, monotonic milliseconds. */
  #nextDue(): number {
    const due = ({ usedAt, sleepsAt }: Use) => sleepsAt ?? usedAt + this.#options.timeout - this.#noticeMs;
    return [...this.#uses.values()].reduce((first, use) => Math.min(first, due(use)), Number.POSITIVE_INFINITY);
  }
}
