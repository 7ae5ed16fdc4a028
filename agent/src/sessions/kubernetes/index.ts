import { withDeadline } from 'clock-port';
import { KubeClient } from './api/client.ts';
import { Connection } from './api/connection.ts';
import type { Context } from './context.ts';
import { KubernetesDriver } from './driver.ts';
import type { KubernetesDriverOptions, SessionObjectsConfig } from './options.ts';
import { checkPodTemplate, readPodTemplate } from './pod-template.ts';
import { RecordStore } from './state/record-store.ts';
import { View } from './state/view.ts';

export { KubernetesDriver } from './driver.ts';
export type { KubernetesDriverOptions } from './options.ts';

/** The template's check needs the API server; where that is away at the start, it is done without, milliseconds. */
const CHECK_MS = 10_000;

/** The driver for one namespace. Throws when the pod template is wrong, saying how. */
export async function kubernetesDriver(options: KubernetesDriverOptions, signal: AbortSignal): Promise<KubernetesDriver> {
  const { kubeConfig, podTemplatePath, maxSessions, screens, startDeadline, clock, log, step, ...given } = options;
  const podTemplate = podTemplatePath === undefined ? undefined : await readPodTemplate(podTemplatePath);
  const config: SessionObjectsConfig = { ...given, podTemplate };
  const client = new KubeClient(new Connection(kubeConfig, clock), config.namespace, clock);
  if (podTemplatePath !== undefined) {
    try {
      await withDeadline(clock, CHECK_MS, 'check of SESSION_POD_TEMPLATE', signal, (limit) =>
        checkPodTemplate(client, config, podTemplatePath, limit),
      );
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof Error && error.name === 'PodTemplateError') {
        await client.connection.close();
        throw error;
      }
      log.warn({ err: error }, 'API server does not answer: SESSION_POD_TEMPLATE is checked by the first session');
    }
  }
  const view = new View(client, config.agentId, clock, log);
  const records = new RecordStore(client, config, clock, (service) => view.services.learn(service));
  const context: Context = {
    client,
    config,
    clock,
    log,
    records,
    view,
    startDeadline,
    step: async (name, sessionId) => {
      await step?.(name, sessionId);
    },
  };
  return new KubernetesDriver(context, { maxSessions, screens });
}
