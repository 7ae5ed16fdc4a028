import type { KubeConfig } from '@kubernetes/client-node';
import { withDeadline } from 'clock-port';
import { Connection, KubeClient, KubeConfigError, loadKubeConfig } from 'kube-client';
import { KubernetesDriver } from './driver.ts';
import type { SessionObjectsConfig } from './objects/settings.ts';
import { type KubernetesDriverDeps, type KubernetesDriverOptions, PROGRAM } from './options.ts';
import { checkPodTemplate, readPodTemplate } from './pod-template.ts';
import { SettingError } from './setting-error.ts';
import { readWarmTemplates } from './warm/templates.ts';

export { SettingError } from './setting-error.ts';

/** What the agent's configuration says of a cluster (spec §2). */
export interface ClusterSettings extends Omit<SessionObjectsConfig, 'podTemplate' | 'defaultImage'> {
  /** Path of a kubeconfig; undefined: as a pod of the cluster. */
  readonly kubeconfig: string | undefined;
  readonly maxSessions: number;
  /** Milliseconds. */
  readonly commandTimeout: number;
  /** Path of a pod's YAML. */
  readonly sessionPodTemplate: string | undefined;
  /** Path of a file of templates. */
  readonly sessionWarmPool: string | undefined;
}

/** A start ends before its command does, so that it fails with its reason and not with a timeout. */
const START_SHARE = 0.9;
/** The template's check needs the API server; where that is away at the start, it is done without, milliseconds. */
const CHECK_MS = 10_000;

/** The driver for the namespace that the settings name. Throws {@link SettingError}. */
export async function kubernetesDriver(
  settings: ClusterSettings,
  deps: KubernetesDriverDeps,
): Promise<KubernetesDriver> {
  const { kubeconfig, commandTimeout, sessionPodTemplate, sessionWarmPool } = settings;
  const kubeConfig = kubeConfigOf(kubeconfig);
  const warm = sessionWarmPool === undefined ? undefined : await readWarmTemplates(sessionWarmPool, settings);
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

/** Throws {@link SettingError} for a pod template that the API server refuses; one that can't be asked is no obstacle. */
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
