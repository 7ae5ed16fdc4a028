import type { DriverLog } from '../core/driver-log.ts';
import type { Clock } from 'clock-port';
import type { Engine } from './engine/engine.ts';

/** Points at which the driver may lose its process; a test's hook that throws there is a crash. */
export type Step =
  'record written' | 'home made' | 'container made' | 'container started' | 'container removed' | 'home removed';

/** What sessions' containers are made of besides their spec; memory and storage are bytes, cpu cores. */
export interface SessionContainerConfig {
  readonly agentId: string;
  /** For specs without an image. */
  readonly defaultImage: string;
  /** Put before names of images that have no registry. */
  readonly imageRegistry: string | undefined;
  readonly defaultCpu: number;
  readonly defaultMemory: number;
  readonly vncPort: number;
  /** Name of the network that sessions are on. */
  readonly network: string;
  /** Of containers, e.g. `runsc`; undefined: the engine's own. */
  readonly runtime: string | undefined;
  /** Of graphics cards that each session gets; `all`, or undefined: none. */
  readonly gpus: number | 'all' | undefined;
}

export interface DockerDriverOptions extends SessionContainerConfig {
  readonly engine: Engine;
  readonly imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never';
  /** Folder of the configuration that `docker login` writes. */
  readonly registryCredentials: string;
  readonly maxSessions: number;
  /** What the host keeps for itself. */
  readonly reserved: { readonly cpu: number; readonly memory: number };
  /** Milliseconds that a start may take. */
  readonly startDeadline: number;
  readonly clock: Clock;
  readonly log: DriverLog;
  /** For tests: called at every {@link Step}. */
  readonly step?: (step: Step, sessionId: string) => void | Promise<void>;
}
