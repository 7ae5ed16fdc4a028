import type { KubeConfig } from '@kubernetes/client-node';
import type { Clock } from 'clock-port';
import type { DriverLog } from '../core/driver-log.ts';
import type { SessionObjectsConfig } from './objects/settings.ts';
import type { OnStep } from './operations/on-step.ts';
import type { WarmTemplate } from './warm/templates.ts';

/** The user agent, and the manager in `managedFields`. */
export const PROGRAM = 'streamspace-agent';

/** What a driver needs of the agent. */
export interface KubernetesDriverDeps {
  readonly clock: Clock;
  readonly log: DriverLog;
  /** Nothing is written after it, monotonic milliseconds: this replica's lease, where it is one of the same API server. */
  readonly leaseUntil?: (() => number) | undefined;
  /** Tests see every step between two writes, and may end the driver there. */
  readonly step?: OnStep | undefined;
}

export interface KubernetesDriverOptions extends SessionObjectsConfig, KubernetesDriverDeps {
  readonly kubeConfig: KubeConfig;
  readonly maxSessions: number;
  /** How screens are reached: the pod's address where the agent runs in the cluster, through the API server elsewhere. */
  readonly screens: 'direct' | 'port-forward';
  /** A start that takes longer fails with what it waits for; milliseconds, less than `COMMAND_TIMEOUT`. */
  readonly startDeadline: number;
  /** Templates of which pods are kept ready. */
  readonly warm?: readonly WarmTemplate[] | undefined;
}
