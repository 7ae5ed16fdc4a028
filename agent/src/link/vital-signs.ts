import { type Clock, Outage, pause } from 'clock-port';
import type { Logger } from 'pino';
import type { Replicas } from '../leader/replicas.ts';
import type { SessionDesk } from '../sessions/desk.ts';
import type { SessionDriver } from '../sessions/driver.ts';
import type { Offer } from '../sessions/offer.ts';
import type { HubContact } from './hub-contact.ts';
import type { Heartbeat } from './heartbeats.ts';
import type { Link } from './link.ts';

export interface VitalSignsOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly driver: SessionDriver;
  readonly desk: SessionDesk;
  readonly offer: Offer;
  readonly replicas: Replicas;
  readonly contact: HubContact;
}

/** Time between two reads of the platform's capacity besides those of heartbeats, milliseconds: a raised quota lets sessions in. */
const PERIOD_MS = 10_000;

/** The content of a heartbeat. A due heartbeat asks for it, and a change of it triggers a heartbeat. */
export class VitalSigns {
  readonly #options: VitalSignsOptions;
  readonly #unread: Outage;
  #reading = false;

  constructor(options: VitalSignsOptions) {
    this.#options = options;
    this.#unread = new Outage(options.clock, options.log, 'Capacity could not be read');
  }

  /** In the version of this link's hub [VER2]. The link has to be welcomed: the capacity was read for it. */
  of(link: Link): Heartbeat {
    const { driver, desk, offer, replicas } = this.#options;
    // settles by itself and never rejects; its result goes into the next heartbeat, or triggers one at once
    void this.#read(link, link.signal);
    const { isolation, trouble } = driver;
    const reason = trouble ?? desk.listFailed ?? desk.watchFailed;
    return {
      status: desk.listFailed !== undefined ? 'error' : reason !== undefined ? 'warning' : 'online',
      capacity: offer.capacity!,
      active_sessions: desk.book.active,
      replicas: replicas.known,
      ...(link.welcome.version >= 3 && {
        ...(reason !== undefined && { status_reason: reason.slice(0, 1024) }),
        ...(isolation !== undefined && { isolation }),
      }),
    };
  }

  /** Reports changes between two heartbeats at once, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, driver, contact, offer } = this.#options;
    // trouble with the platform triggers a heartbeat
    const deafen = driver.onTrouble?.(() => contact.link?.beat());
    while (!signal.aborted) {
      await pause(clock, PERIOD_MS, signal);
      const { link } = contact;
      if (link === undefined || signal.aborted) continue;
      const before = JSON.stringify(offer.capacity);
      await this.#read(link, signal);
      if (before !== JSON.stringify(offer.capacity) && contact.link === link) link.beat();
    }
    deafen?.();
  }

  /** Reads capacity and replicas for the next heartbeat. Never rejects; only one read at a time. */
  async #read(link: Link, signal: AbortSignal): Promise<void> {
    if (this.#reading) return;
    this.#reading = true;
    try {
      if (await this.#options.replicas.refresh(signal)) link.beat();
      await this.#options.offer.read(signal);
      this.#unread.over();
    } catch (error) {
      if (!signal.aborted) this.#unread.failed({ err: error });
    } finally {
      this.#reading = false;
    }
  }
}
