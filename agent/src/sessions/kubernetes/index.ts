import { withDeadline } from 'clock-port';
import { Connection, KubeClient } from 'kube-client';
import type { Context } from './context.ts';
import { KubernetesDriver } from './driver.ts';
import { sessionName } from './objects/names.ts';
import type { KubernetesDriverOptions } from './options.ts';
import { checkPodTemplate, readPodTemplate } from './pod-template.ts';
import { SettingError } from './setting-error.ts';
import { ServiceRecords } from './state/service-records.ts';
import { View } from './state/view.ts';
import { WarmPool } from './warm/pool.ts';
import { readWarmTemplates } from './warm/templates.ts';

export { KubernetesDriver } from './driver.ts';
export { SettingError } from './setting-error.ts';
export type { KubernetesDriverOptions } from './options.ts';

/** The user agent, and the manager in `managedFields`. */
const PROGRAM = 'streamspace-agent';
/** The template's check needs the API server; where that is away at the start, it is done without, milliseconds. */
const CHECK_MS = 10_000;

/** The driver for one namespace. Throws {@link SettingError} when the pod template or the warm pool is wrong. */
export async function kubernetesDriver(
  options: KubernetesDriverOptions & {
    /** Path of a pod's YAML, `SESSION_POD_TEMPLATE`. */
    readonly podTemplatePath: string | undefined;
    /** Path of a file of templates, `SESSION_WARM_POOL`. */
    readonly warmPoolPath?: string | undefined;
  },
  signal: AbortSignal,
): Promise<KubernetesDriver> {
  const { podTemplatePath, warmPoolPath, ...rest } = options;
  const warm = warmPoolPath === undefined ? [] : await readWarmTemplates(warmPoolPath, rest);
  const given = { ...rest, warm };
  if (podTemplatePath === undefined) return makeKubernetesDriver(given);
  const full = { ...given, podTemplate: await readPodTemplate(podTemplatePath) };
  const client = new KubeClient(new Connection(given.kubeConfig, given.clock, PROGRAM), given.namespace, given.clock);
  try {
    await withDeadline(given.clock, CHECK_MS, 'check of SESSION_POD_TEMPLATE', signal, (limit) =>
      checkPodTemplate(client, full, podTemplatePath, limit),
    );
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof SettingError) throw error;
    given.log.warn(
      { err: error },
      'SESSION_POD_TEMPLATE could not be checked by the API server; the first session will show any fault',
    );
  } finally {
    await client.connection.close();
  }
  return makeKubernetesDriver(full);
}

/** The driver with a pod template, if any, that was checked already. */
export function makeKubernetesDriver(options: KubernetesDriverOptions): KubernetesDriver {
  const { kubeConfig, clock, log, startDeadline, step, leaseUntil } = options;
  const client = new KubeClient(new Connection(kubeConfig, clock, PROGRAM), options.namespace, clock, leaseUntil);
  const view = new View(client, options.agentId, clock, log);
  const common = { client, config: options, clock, log, view, startDeadline };
  const pool = new WarmPool(common, options.warm ?? [], options.maxSessions);
  const records = new ServiceRecords({
    client,
    config: options,
    clock,
    learn: (service) => view.services.learn(service),
    podFor: (spec) => pool.take(spec) ?? sessionName(spec.id),
  });
  const context: Context = {
    ...common,
    records,
    pool,
    step: async (name, sessionId) => {
      await step?.(name, sessionId);
    },
  };
  return new KubernetesDriver(context, options);
}
