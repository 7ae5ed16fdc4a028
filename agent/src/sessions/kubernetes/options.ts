import type { KubeConfig } from '@kubernetes/client-node';
import type { Clock } from 'clock-port';
import type { DriverLog } from '../core/driver-log.ts';
import type { SessionObjectsConfig } from './objects/settings.ts';
import type { OnStep } from './operations/on-step.ts';
import type { WarmTemplate } from '../core/warm-templates.ts';

/** The user agent, and the field manager in `managedFields`. */
export const PROGRAM = 'streamspace-agent';

/** The parts of the agent that a driver needs. */
export interface KubernetesDriverDeps {
  readonly clock: Clock;
  readonly log: DriverLog;
  /** The end of this replica's lease if it is in the same API server, monotonic milliseconds: no write is sent after it. */
  readonly leaseUntil?: (() => number) | undefined;
  /** For tests: called at every step between two writes, and may end the driver there. */
  readonly step?: OnStep | undefined;
}

export interface KubernetesDriverOptions extends SessionObjectsConfig, KubernetesDriverDeps {
  readonly kubeConfig: KubeConfig;
  readonly maxSessions: number;
  /** The way to a screen: the pod's address if the agent runs in the cluster, otherwise the API server. */
  readonly screens: 'direct' | 'port-forward';
  /** A start that takes longer fails with the reason why it waits; milliseconds, less than `COMMAND_TIMEOUT`. */
  readonly startDeadline: number;
  /** Templates with pods that are kept ready. */
  readonly warm?: readonly WarmTemplate[] | undefined;
}
