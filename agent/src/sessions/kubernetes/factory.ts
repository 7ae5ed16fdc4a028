import type { KubeConfig } from '@kubernetes/client-node';
import { withDeadline } from 'clock-port';
import { Connection, KubeClient, KubeConfigError, loadKubeConfig } from 'kube-client';
import { KubernetesDriver } from './driver.ts';
import type { SessionObjectsConfig } from './objects/settings.ts';
import { type KubernetesDriverDeps, type KubernetesDriverOptions, PROGRAM } from './options.ts';
import { checkPodTemplate, readPodTemplate } from './pod-template.ts';
import { SettingError } from '../core/setting-error.ts';
import { readWarmTemplates } from '../core/warm-templates.ts';

export { SettingError } from '../core/setting-error.ts';

/** The settings of an agent for a cluster (spec §2). */
export interface ClusterSettings extends Omit<SessionObjectsConfig, 'podTemplate' | 'defaultImage'> {
  /** Path of a kubeconfig; undefined: the agent runs as a pod of the cluster. */
  readonly kubeconfig: string | undefined;
  readonly maxSessions: number;
  /** Milliseconds. */
  readonly commandTimeout: number;
  /** Path of a pod template in YAML. */
  readonly sessionPodTemplate: string | undefined;
  /** Path of a file with templates. */
  readonly sessionWarmPool: string | undefined;
}

/** A start ends before its command does, so that it fails with its reason instead of a timeout. Share of the command's time. */
const START_SHARE = 0.9;
/**
 * The check of the pod template needs the API server; if that is unreachable at the start for this long, the check is skipped. Milliseconds.
 */
const CHECK_MS = 10_000;

/** The driver for the namespace that the settings name. Throws {@link SettingError}. */
export async function kubernetesDriver(
  settings: ClusterSettings,
  deps: KubernetesDriverDeps,
): Promise<KubernetesDriver> {
  const { kubeconfig, commandTimeout, sessionPodTemplate, sessionWarmPool } = settings;
  const kubeConfig = kubeConfigOf(kubeconfig);
  const warm =
    sessionWarmPool === undefined ? undefined : await readWarmTemplates(sessionWarmPool, settings, 'kubernetes');
  const podTemplate = sessionPodTemplate === undefined ? undefined : await readPodTemplate(sessionPodTemplate);
  const options: KubernetesDriverOptions = {
    ...settings,
    ...deps,
    kubeConfig,
    warm,
    podTemplate,
    screens: kubeconfig === undefined ? 'direct' : 'port-forward',
    startDeadline: commandTimeout * START_SHARE,
  };
  if (sessionPodTemplate !== undefined) await showPodTemplate(options, sessionPodTemplate);
  return new KubernetesDriver(options);
}

/** Throws {@link SettingError} for a pod template that the API server refuses; an unreachable API server is no error. */
async function showPodTemplate(options: KubernetesDriverOptions, path: string): Promise<void> {
  const { kubeConfig, namespace, clock, log } = options;
  const client = new KubeClient(new Connection(kubeConfig, clock, PROGRAM), namespace, clock);
  try {
    await withDeadline(clock, CHECK_MS, 'check of SESSION_POD_TEMPLATE', undefined, (limit) =>
      checkPodTemplate(client, options, path, limit),
    );
  } catch (err) {
    if (err instanceof SettingError) throw err;
    log.warn(
      { err },
      'SESSION_POD_TEMPLATE could not be checked by the API server; the first session will show any fault',
    );
  } finally {
    await client.connection.close();
  }
}

function kubeConfigOf(path: string | undefined): KubeConfig {
  try {
    return loadKubeConfig(path);
  } catch (error) {
    if (!(error instanceof KubeConfigError)) throw error;
    throw new SettingError('KUBECONFIG', [error.message], { cause: error });
  }
}
