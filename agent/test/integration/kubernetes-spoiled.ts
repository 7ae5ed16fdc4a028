import type { V1Service } from '@kubernetes/client-node';
import type { KubeClient, KubeObject } from 'kube-client';
import { ANNOTATIONS, sessionName } from '../../src/sessions/kubernetes/objects/names.ts';

const soon = () => AbortSignal.timeout(20_000);
const FUTURE = 'streamspace.io/future';

/** Changes annotations of a session's Service as `kubectl annotate --overwrite` does; null removes one. */
export async function annotate(
  client: KubeClient,
  sessionId: string,
  annotations: Record<string, string | null>,
): Promise<void> {
  const path = client.path('services', sessionName(sessionId));
  await client.raw('PATCH', path, { metadata: { annotations } }, 'application/merge-patch+json', soon());
}

/** See `DriverSetup.spoil`. */
export async function spoil(client: KubeClient, sessionId: string, what: 'phase' | 'spec' | 'newer'): Promise<void> {
  if (what === 'phase') return annotate(client, sessionId, { [ANNOTATIONS.phase]: 'banana' });
  if (what === 'spec') return annotate(client, sessionId, { [ANNOTATIONS.spec]: '{not json' });
  // by the manager and in the way of the agent: what it doesn't name the next time is taken away
  const { metadata, spec } = await client.get<V1Service & KubeObject>('services', sessionName(sessionId), soon());
  const { name, labels, annotations = {} } = metadata!;
  const newer = { ...JSON.parse(annotations[ANNOTATIONS.spec]!), future: { gpu: 2 } };
  const { type, selector, ports } = spec!;
  const more = { ...annotations, [ANNOTATIONS.spec]: JSON.stringify(newer), [FUTURE]: 'later' };
  const object = { apiVersion: 'v1', kind: 'Service', metadata: { name, labels, annotations: more } };
  await client.apply('services', { ...object, spec: { type, selector, ports } } as KubeObject, soon());
}

/** See `DriverSetup.keepsNewer`. */
export async function keepsNewer(client: KubeClient, sessionId: string): Promise<boolean> {
  const { metadata } = await client.get('services', sessionName(sessionId), soon());
  const { gpu } = JSON.parse(metadata!.annotations![ANNOTATIONS.spec]!).future ?? {};
  return metadata!.annotations![FUTURE] === 'later' && gpu === 2;
}
