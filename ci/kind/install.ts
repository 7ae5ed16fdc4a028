import { readFile } from 'node:fs/promises';
import { sleep, systemClock } from 'clock-port';
import { SignJWT } from 'jose';
import { parse } from 'yaml';
import type { KindCluster } from './cluster.ts';
import { run } from './host.ts';
import { PROGRAMS } from './images.ts';
import { root } from './root.ts';

const RELEASE = 'streamspace';
export const NAMESPACE = 'streamspace';

const valuesFiles = (values: string): string[] => [`${root}test-values/${values}.yaml`, `${root}ci/kind-values.yaml`];

/** Installs or upgrades ./chart with a file of test-values/, and waits until everything is ready. */
export async function install(cluster: KindCluster, values = 'ha', more: readonly string[] = []): Promise<void> {
  const files = valuesFiles(values).flatMap((file) => ['-f', file]);
  const place = ['--namespace', NAMESPACE, '--create-namespace'];
  // the tag is the same after every build, so pods of an older image would stay
  const built = await Promise.all(
    Object.entries({ api: PROGRAMS.api, k8sAgent: PROGRAMS.agent }).map(async ([part, image]) => {
      const id = (await run('docker', ['image', 'inspect', '-f', '{{.Id}}', image])).trim();
      return ['--set-string', `${part}.podAnnotations.image-id=${id}`];
    }),
  );
  await cluster.helm([
    'upgrade',
    '--install',
    RELEASE,
    `${root}chart`,
    ...place,
    ...files,
    '--wait',
    '--timeout',
    '5m',
    ...built.flat(),
    ...more,
  ]);
  // every pod meets the strictest level
  await cluster.kubectl([
    'label',
    'namespace',
    NAMESPACE,
    'pod-security.kubernetes.io/enforce=restricted',
    '--overwrite',
  ]);
}

/** Waits until an agent is connected to the hub at that address; at most two minutes. */
export async function agentConnected(hub: string, token: string): Promise<void> {
  const limit = AbortSignal.timeout(120_000);
  for (;;) {
    const headers = { authorization: `Bearer ${token}` };
    const answer = await fetch(`${hub}/api/v1/agents`, { headers, signal: limit }).catch((error: unknown) => {
      if (limit.aborted) throw new Error('no agent is connected after two minutes', { cause: error });
      return undefined;
    });
    const { items = [] } = ((await answer?.json()) ?? {}) as { items?: { connected: boolean }[] };
    if (items.some(({ connected }) => connected)) return;
    await sleep(systemClock, 100, limit);
  }
}

/** A token of a user of that installation: the secret in test-values/ is for tests only. */
export async function userToken(
  values = 'ha',
  roles: readonly string[] = ['admin', 'user'],
  user = 'admin',
): Promise<string> {
  const { api } = parse(await readFile(valuesFiles(values)[0]!, 'utf8')) as { api: { auth: { secret: string } } };
  return new SignJWT({ roles })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(user)
    .setIssuedAt()
    .setExpirationTime('24h')
    .sign(new TextEncoder().encode(api.auth.secret));
}
