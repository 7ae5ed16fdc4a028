import { readFile } from 'node:fs/promises';
import { SignJWT } from 'jose';
import { parse } from 'yaml';
import type { KindCluster } from './cluster.ts';
import { root } from './root.ts';

export const RELEASE = 'streamspace';
export const NAMESPACE = 'streamspace';
/** Where the hub is on the host: the port mapping of ci/kind.yaml. */
export const HUB = 'http://127.0.0.1:8090';

const valuesFiles = (values: string): string[] => [`${root}test-values/${values}.yaml`, `${root}ci/kind-values.yaml`];

/** Installs or upgrades ./chart with a file of test-values/, and waits until everything is ready. */
export async function install(cluster: KindCluster, values = 'ha', more: readonly string[] = []): Promise<void> {
  const files = valuesFiles(values).flatMap((file) => ['-f', file]);
  const place = ['--namespace', NAMESPACE, '--create-namespace'];
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
    ...more,
  ]);
  // every pod keeps the strictest level
  await cluster.kubectl([
    'label',
    'namespace',
    NAMESPACE,
    'pod-security.kubernetes.io/enforce=restricted',
    '--overwrite',
  ]);
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
