import type { Clock } from 'clock-port';
import type { KubeClient } from 'kube-client';
import type { DriverLog, SessionObjectsConfig } from './options.ts';
import type { ServiceRecords } from './state/service-records.ts';
import type { View } from './state/view.ts';
import type { WarmPool } from './warm/pool.ts';

/** What the parts of the driver share. */
export interface Context {
  readonly client: KubeClient;
  readonly config: SessionObjectsConfig;
  readonly clock: Clock;
  readonly log: DriverLog;
  readonly records: ServiceRecords;
  readonly view: View;
  readonly pool: WarmPool;
  /** Milliseconds a start may take. */
  readonly startDeadline: number;
  readonly step: (step: string, sessionId: string) => Promise<void>;
}
