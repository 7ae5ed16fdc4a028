import type { Replicas } from '../leader/replicas.ts';
import type { SessionDesk } from '../sessions/desk.ts';
import type { SessionDriver } from '../sessions/driver.ts';
import type { Offer } from '../sessions/offer.ts';
import type { Heartbeat, Link } from './link.ts';

export interface VitalSignsOptions {
  readonly driver: SessionDriver;
  readonly desk: SessionDesk;
  readonly offer: Offer;
  readonly replicas: Replicas;
}

/** What a heartbeat says of this agent: asked whenever one is due. */
export class VitalSigns {
  readonly #options: VitalSignsOptions;

  constructor(options: VitalSignsOptions) {
    this.#options = options;
  }

  /** As the hub of this link knows it [VER2]. The link has to be welcome: the capacity was read for it. */
  of(link: Link): Heartbeat {
    const { driver, desk, offer, replicas } = this.#options;
    // settles by itself and never rejects; what it finds out is news for the next heartbeat, or for one right away
    void offer.refresh(link, link.signal);
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
}
