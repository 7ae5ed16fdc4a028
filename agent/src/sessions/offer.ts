import { type Clock, Outage, pause, withDeadline } from 'clock-port';
import type { Capacity } from '@streamspace/protocol';
import type { Logger } from 'pino';
import type { HubContact } from '../link/hub-contact.ts';
import type { Link } from '../link/link.ts';
import type { Replicas } from '../leader/replicas.ts';
import type { SessionDriver } from './driver.ts';

export interface OfferOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly driver: Pick<SessionDriver, 'capacity'>;
  readonly replicas: Replicas;
  /** The most sessions that this agent takes, whatever the platform has room for. */
  readonly maxSessions: number;
  readonly contact: HubContact;
}

const TIMEOUT_MS = 10_000;
/** Between two looks at the platform's capacity besides those of heartbeats, milliseconds: a quota that was raised lets sessions in. */
const PERIOD_MS = 10_000;

/** What this agent offers the hub: the platform's capacity as it was last read. */
export class Offer {
  readonly #options: OfferOptions;
  readonly #unread: Outage;
  #capacity: Capacity | undefined;
  #refreshing = false;

  constructor(options: OfferOptions) {
    this.#options = options;
    this.#unread = new Outage(options.clock, options.log, 'Capacity could not be read');
  }

  /** Undefined until it was read for the first time. */
  get capacity(): Capacity | undefined {
    return this.#capacity;
  }

  /** Reads it for a new link. A platform that is away is told to the hub, not hidden from it: then it is what was read last. Rejects without any. */
  async current(signal: AbortSignal): Promise<Capacity> {
    try {
      return await this.#read(signal);
    } catch (error) {
      if (this.#capacity === undefined || signal.aborted) throw error;
      return this.#capacity;
    }
  }

  /** Reads it, and who the replicas are, for the next heartbeat. Settles by itself and never rejects; one at a time. */
  async refresh(link: Link, over: AbortSignal): Promise<void> {
    if (this.#refreshing) return;
    this.#refreshing = true;
    try {
      if (await this.#options.replicas.refresh(over)) link.beat();
      await this.#read(over);
      this.#unread.over();
    } catch (error) {
      if (!over.aborted) this.#unread.failed({ err: error });
    } finally {
      this.#refreshing = false;
    }
  }

  /** What changes between two heartbeats is told at once. Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await pause(this.#options.clock, PERIOD_MS, signal);
      const link = this.#options.contact.link;
      if (link === undefined || signal.aborted) continue;
      const before = this.#capacity;
      await this.refresh(link, signal);
      if (JSON.stringify(before) !== JSON.stringify(this.#capacity) && this.#options.contact.link === link) link.beat();
    }
  }

  async #read(signal: AbortSignal): Promise<Capacity> {
    const { clock, driver, maxSessions } = this.#options;
    const capacity = await withDeadline(clock, TIMEOUT_MS, 'capacity', signal, (limit) => driver.capacity(limit));
    return (this.#capacity = { ...capacity, max_sessions: Math.min(capacity.max_sessions, maxSessions) });
  }
}
