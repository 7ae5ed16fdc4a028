import { type Clock, withDeadline } from 'clock-port';
import type { Capacity } from '@streamspace/protocol';
import type { SessionDriver } from './driver.ts';

export interface OfferOptions {
  readonly clock: Clock;
  readonly driver: Pick<SessionDriver, 'capacity'>;
  /** The most sessions that this agent takes, whatever the platform has room for. */
  readonly maxSessions: number;
}

const TIMEOUT_MS = 10_000;

/** What this agent offers the hub: the platform's capacity as it was last read. */
export class Offer {
  readonly #options: OfferOptions;
  #capacity: Capacity | undefined;

  constructor(options: OfferOptions) {
    this.#options = options;
  }

  /** Undefined until it was read for the first time. */
  get capacity(): Capacity | undefined {
    return this.#capacity;
  }

  /** Reads it for a new link. A platform that is away is told to the hub, not hidden from it: then it is what was read last. Rejects without any. */
  async current(signal: AbortSignal): Promise<Capacity> {
    try {
      return await this.read(signal);
    } catch (error) {
      if (this.#capacity === undefined || signal.aborted) throw error;
      return this.#capacity;
    }
  }

  /** Rejects when the platform does not say in time. */
  async read(signal: AbortSignal): Promise<Capacity> {
    const { clock, driver, maxSessions } = this.#options;
    const capacity = await withDeadline(clock, TIMEOUT_MS, 'capacity', signal, (limit) => driver.capacity(limit));
    return (this.#capacity = { ...capacity, max_sessions: Math.min(capacity.max_sessions, maxSessions) });
  }
}
