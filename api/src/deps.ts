import type { Clock } from 'clock-port';
import type { FastifyBaseLogger } from 'fastify';
import type { Registry } from 'prom-client';
import type { HubConfig } from './config.ts';
import type { Publisher } from './events/publisher.ts';
import type { Quotas } from './quotas/quotas.ts';
import type { Store } from './store/store.ts';

/** What every part of the hub may use. Made once, in `main` (and in tests). */
export interface HubDeps {
  readonly config: HubConfig;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: FastifyBaseLogger;
  /** Cryptographically random bytes. */
  readonly randomBytes: (size: number) => Buffer;
  /** Address of this hub replica, where the others dial it: kept with every agent that is connected here. */
  readonly hub: string;
  /** Metrics of this hub; nothing registers in prom-client's global registry. */
  readonly metrics: Registry;
  readonly publish: Publisher;
  /** Limits of each user's sessions; without: none. */
  readonly quotas?: Quotas | undefined;
  /** Puts into the store what belongs there from the start (templates): called again when it was emptied. */
  readonly seed?: () => Promise<void>;
}
