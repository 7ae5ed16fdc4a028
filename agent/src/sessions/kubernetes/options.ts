import type { KubeConfig } from '@kubernetes/client-node';
import type { Clock } from 'clock-port';
import type { WarmTemplate } from './warm/templates.ts';

/** What session objects are made of besides their spec. Memory and storage are bytes, cpu is cores. */
export interface SessionObjectsConfig {
  readonly agentId: string;
  readonly namespace: string;
  /** Runs where the spec names no image. */
  readonly defaultImage: string;
  readonly imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never';
  /** Registry of images that name none; undefined: the nodes' own default. */
  readonly imageRegistry?: string | undefined;
  /** Names of Secrets in the namespace. */
  readonly imagePullSecrets?: readonly string[];
  readonly defaultCpu: number;
  readonly defaultMemory: number;
  readonly defaultStorage: number;
  /** undefined: the cluster's default. */
  readonly storageClass: string | undefined;
  readonly serviceType: 'ClusterIP' | 'NodePort' | 'LoadBalancer';
  readonly vncPort: number;
  /** A pod that session pods are merged with, as `readPodTemplate` gives it. */
  readonly podTemplate?: PodTemplate | undefined;
}

/** The part of a pod that an operator may write: what is in it wins over what we build, except for what identifies the session. */
export interface PodTemplate {
  readonly metadata?: { readonly labels?: Record<string, string>; readonly annotations?: Record<string, string> };
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** A log that takes fields and a constant message (pino's shape). */
export interface DriverLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface KubernetesDriverOptions extends SessionObjectsConfig {
  readonly kubeConfig: KubeConfig;
  readonly maxSessions: number;
  /** How screens are reached: the pod's address where the agent runs in the cluster, through the API server elsewhere. */
  readonly screens: 'direct' | 'port-forward';
  /** A start that takes longer fails with what it waits for; milliseconds, less than `COMMAND_TIMEOUT`. */
  readonly startDeadline: number;
  /** Templates of which pods are kept ready. */
  readonly warm?: readonly WarmTemplate[];
  /** Nothing is written after it, monotonic milliseconds: this replica's lease, where it is one of the same API server. */
  readonly leaseUntil?: (() => number) | undefined;
  readonly clock: Clock;
  readonly log: DriverLog;
  /** Tests see every step between two writes, and may end the driver there. */
  readonly step?: ((step: string, sessionId: string) => Promise<void> | void) | undefined;
}
