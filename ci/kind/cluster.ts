import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from './root.ts';
import { run, type RunOptions } from './host.ts';

/** A kind cluster and the commands that go to it. */
export interface KindCluster {
  readonly name: string;
  /** Path of its kubeconfig: the user's own is not touched. */
  readonly kubeconfig: string;
  kubectl(args: readonly string[], options?: RunOptions): Promise<string>;
  helm(args: readonly string[], options?: RunOptions): Promise<string>;
  /** Puts images of the host's engine into its nodes. */
  load(images: readonly string[]): Promise<void>;
}

const folder = `${root}test-results/kind`;

function named(name: string): KindCluster {
  const kubeconfig = join(folder, `${name}.kubeconfig`);
  const env = { KUBECONFIG: kubeconfig };
  return {
    name,
    kubeconfig,
    kubectl: (args, options) => run('kubectl', args, { ...options, env }),
    helm: (args, options) => run('helm', args, { ...options, env }),
    async load(images) {
      await run('kind', ['load', 'docker-image', '--name', name, ...images]);
    },
  };
}

export async function isThere(name: string): Promise<boolean> {
  return (await run('kind', ['get', 'clusters'])).split('\n').includes(name);
}

/** Port of the host at which the hub of such a cluster is; another one with `KIND_HUB_PORT`, so that a second cluster has room. */
export const HUB_PORT = Number(process.env['KIND_HUB_PORT'] ?? 8090);

/**
 * The cluster of that name, made from ci/kind.yaml unless it is there. `KIND_NODE_IMAGE` names another image of its nodes than
 * kind's own.
 */
export async function makeCluster(name: string): Promise<KindCluster> {
  await mkdir(folder, { recursive: true });
  const cluster = named(name);
  if (await isThere(name)) {
    await run('kind', ['export', 'kubeconfig', '--name', name, '--kubeconfig', cluster.kubeconfig]);
    return cluster;
  }
  const image = process.env['KIND_NODE_IMAGE'];
  const node = image === undefined ? [] : ['--image', image];
  const file = join(folder, `${name}.yaml`);
  const text = await readFile(`${root}ci/kind.yaml`, 'utf8');
  await writeFile(file, text.replace(/hostPort: \d+/, `hostPort: ${HUB_PORT}`));
  const config = ['--config', file, '--kubeconfig', cluster.kubeconfig];
  await run('kind', ['create', 'cluster', '--name', name, ...config, '--wait', '180s', ...node]);
  return cluster;
}

export async function removeCluster(name: string): Promise<void> {
  await run('kind', ['delete', 'cluster', '--name', name, '--kubeconfig', named(name).kubeconfig]);
}
