import type { KubeConfig } from '@kubernetes/client-node';
import type { Clock } from 'clock-port';
import { KubeConfigError, loadKubeConfig } from 'kube-client';
import type { KubernetesDriver } from './driver.ts';
import { kubernetesDriver } from './index.ts';
import type { DriverLog } from './options.ts';
import { SettingError } from './setting-error.ts';

export { SettingError } from './setting-error.ts';

/** What the agent's configuration says of a cluster (spec §2); memory and storage are bytes, cpu cores, durations milliseconds. */
export interface ClusterSettings {
  readonly agentId: string;
  readonly namespace: string;
  readonly kubeconfig: string | undefined;
  readonly maxSessions: number;
  readonly commandTimeout: number;
  readonly sessionImagePullPolicy: 'Always' | 'IfNotPresent' | 'Never';
  readonly sessionImageRegistry: string | undefined;
  /** A comma list. */
  readonly sessionImagePullSecrets: string | undefined;
  readonly sessionDefaultCpu: number;
  readonly sessionDefaultMemory: number;
  readonly sessionDefaultStorage: number;
  readonly sessionStorageClass: string | undefined;
  readonly sessionServiceType: 'ClusterIP' | 'NodePort' | 'LoadBalancer';
  readonly sessionPodTemplate: string | undefined;
  readonly sessionWarmPool: string | undefined;
  readonly vncPort: number;
}

/** Runs where neither template nor pod template names an image. */
const DEFAULT_IMAGE = 'streamspace/desktop:latest';
/** A start ends before its command does, so that it fails with its reason and not with a timeout. */
const START_SHARE = 0.9;

/** The driver for the cluster that the settings name. Throws {@link SettingError}. */
export async function driverOfCluster(
  settings: ClusterSettings,
  clock: Clock,
  log: DriverLog,
  leaseUntil: (() => number) | undefined,
): Promise<KubernetesDriver> {
  return kubernetesDriver(
    {
      kubeConfig: kubeConfigOf(settings.kubeconfig),
      agentId: settings.agentId,
      namespace: settings.namespace,
      maxSessions: settings.maxSessions,
      defaultImage: DEFAULT_IMAGE,
      imagePullPolicy: settings.sessionImagePullPolicy,
      imageRegistry: settings.sessionImageRegistry,
      imagePullSecrets: settings.sessionImagePullSecrets?.split(',') ?? [],
      defaultCpu: settings.sessionDefaultCpu,
      defaultMemory: settings.sessionDefaultMemory,
      defaultStorage: settings.sessionDefaultStorage,
      storageClass: settings.sessionStorageClass,
      serviceType: settings.sessionServiceType,
      vncPort: settings.vncPort,
      podTemplatePath: settings.sessionPodTemplate,
      warmPoolPath: settings.sessionWarmPool,
      screens: settings.kubeconfig === undefined ? 'direct' : 'port-forward',
      startDeadline: settings.commandTimeout * START_SHARE,
      leaseUntil,
      clock,
      log,
    },
    new AbortController().signal,
  );
}

/** Throws {@link SettingError}. */
function kubeConfigOf(path: string | undefined): KubeConfig {
  try {
    return loadKubeConfig(path);
  } catch (error) {
    if (!(error instanceof KubeConfigError)) throw error;
    throw new SettingError('KUBECONFIG', [error.message], { cause: error });
  }
}
