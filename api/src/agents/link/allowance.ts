import { StreamSpaceError } from '@streamspace/protocol';
import type { Clock } from 'clock-port';
import { LRUCache } from 'lru-cache';

/** Control messages of one agent: most at once, and per second. */
const MESSAGES = { burst: 20_000, perSecond: 2_000 };
/** Their bytes likewise: two lists of ten thousand sessions at once, as sent by a new leader and its successor. */
const BYTES = { burst: 64 * 1024 * 1024, perSecond: 512 * 1024 };
/** Agents whose use is remembered; above that, the most recent ones. */
const REMEMBERED = 10_000;

/** The messages and bytes that one agent may still send at once; refilled with time. */
export class Allowance {
  readonly #clock: Clock;
  #messages = MESSAGES.burst;
  #bytes = BYTES.burst;
  #at: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#at = clock.monotonic();
  }

  /** Counts one message. Throws `rate_limited`. */
  take(bytes: number): void {
    const now = this.#clock.monotonic();
    const seconds = (now - this.#at) / 1_000;
    this.#at = now;
    this.#messages = Math.min(MESSAGES.burst, this.#messages + seconds * MESSAGES.perSecond);
    this.#bytes = Math.min(BYTES.burst, this.#bytes + seconds * BYTES.perSecond);
    if (this.#messages < 1)
      throw new StreamSpaceError(
        'rate_limited',
        `more than ${MESSAGES.perSecond} messages a second; connect again later`,
      );
    if (this.#bytes < bytes)
      throw new StreamSpaceError(
        'rate_limited',
        `more than ${BYTES.perSecond} bytes of messages a second; connect again later`,
      );
    this.#messages -= 1;
    this.#bytes -= bytes;
  }
}

/** The allowances of agents, by id: an agent that reconnects continues with its remaining allowance. */
export class Allowances {
  readonly #clock: Clock;
  readonly #known = new LRUCache<string, Allowance>({ max: REMEMBERED });

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  of(agentId: string): Allowance {
    const allowance = this.#known.get(agentId) ?? new Allowance(this.#clock);
    this.#known.set(agentId, allowance);
    return allowance;
  }
}
