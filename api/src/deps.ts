import type { Clock } from 'clock-port';
import type { FastifyBaseLogger } from 'fastify';
import type { Registry } from 'prom-client';
import type { Config } from './config.ts';
import type { Publisher } from './events/publisher.ts';
import type { Store } from './store/store.ts';

/** What every part of the hub may use. Made once, in `main` (and in tests). */
export interface HubDeps {
  readonly config: Config;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: FastifyBaseLogger;
  /** Cryptographically random bytes. */
  readonly randomBytes: (size: number) => Buffer;
  /** Name of this hub replica, as other replicas reach it. */
  readonly hub: string;
  /** Metrics of this hub; nothing registers in prom-client's global registry. */
  readonly metrics: Registry;
  readonly publish: Publisher;
}
