import type { DriverLog } from '../core/driver-log.ts';
import type { Allowed } from '@streamspace/settings';
import type { Clock } from 'clock-port';
import type { WarmTemplate } from '../core/warm-templates.ts';
import type { Engine } from './engine/engine.ts';

/** Points at which the driver may lose its process; a test's hook that throws there is a crash. */
export type Step =
  | 'record written'
  | 'warm claimed'
  | 'home made'
  | 'container made'
  | 'container started'
  | 'container removed'
  | 'home removed';

/** The settings for sessions' containers, besides the spec, named like the agent's settings. Memory is bytes, cpu is cores. */
export interface SessionContainerConfig {
  readonly agentId: string;
  /** Put before names of images that have no registry. */
  readonly sessionImageRegistry: string | undefined;
  readonly sessionDefaultCpu: number;
  readonly sessionDefaultMemory: number;
  readonly vncPort: number;
  /** Name of the network that sessions are on. */
  readonly sessionNetwork: string;
  /** Of containers, e.g. `runsc`; undefined: the engine's own. */
  readonly sessionRuntime: string | undefined;
  /** Graphics cards of each session, `all` or a number; undefined: none. */
  readonly sessionGpus: string | undefined;
  /** What templates may add; undefined: nothing. */
  readonly sessionAllow?: Allowed | undefined;
}

/** Further settings of the driver, named like the agent's settings. */
export interface EngineDriverSettings {
  readonly sessionImagePullPolicy: 'Always' | 'IfNotPresent' | 'Never';
  readonly maxSessions: number;
  /** Kept for the host: cores, bytes. */
  readonly reservedCpu: number | undefined;
  readonly reservedMemory: number | undefined;
}

export interface DockerDriverOptions extends SessionContainerConfig, EngineDriverSettings {
  readonly engine: Engine;
  /** Folder of the configuration that `docker login` writes. */
  readonly dockerConfig: string;
  /** Paths of the host that no session may see: the engine's socket, the agent's own files. */
  readonly secret?: readonly string[];
  /** Templates of which containers are kept ready. */
  readonly warm?: readonly WarmTemplate[] | undefined;
  /** Milliseconds that a start may take. */
  readonly startDeadline: number;
  readonly clock: Clock;
  readonly log: DriverLog;
  /** For tests: called at every {@link Step}. */
  readonly step?: (step: Step, sessionId: string) => void | Promise<void>;
}
