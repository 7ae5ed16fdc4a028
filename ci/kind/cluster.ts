import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { root } from './root.ts';
import { run, type RunOptions } from './host.ts';

/** A kind cluster and the commands for it. */
export interface KindCluster {
  readonly name: string;
  /** Path of its kubeconfig: the user's own file is not changed. */
  readonly kubeconfig: string;
  /** URL of its hub on the host (the port mapping of ci/kind.yaml): `http://127.0.0.1:8090`, or another port if that one was in use. */
  readonly hub: string;
  kubectl(args: readonly string[], options?: RunOptions): Promise<string>;
  helm(args: readonly string[], options?: RunOptions): Promise<string>;
  /** Puts images of the host's engine into its nodes. */
  load(images: readonly string[]): Promise<void>;
}

const folder = `${root}test-results/kind`;

const kubeconfigOf = (name: string) => join(folder, `${name}.kubeconfig`);

/** An existing cluster. */
async function named(name: string): Promise<KindCluster> {
  const kubeconfig = kubeconfigOf(name);
  const mapped = await run('docker', ['port', `${name}-control-plane`, `${NODE_PORT}/tcp`]);
  const env = { KUBECONFIG: kubeconfig };
  return {
    name,
    kubeconfig,
    hub: `http://${mapped.trim()}`,
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

/** The hub's node port in ci/kind-values.yaml. */
const NODE_PORT = 30080;
const PREFERRED_PORT = 8090;

/** `KIND_HUB_PORT`; without it the usual port of the host, or one of the system's choice if that is in use. */
async function hubPort(): Promise<number> {
  const wished = process.env['KIND_HUB_PORT'];
  if (wished !== undefined) return Number(wished);
  return (await tryPort(PREFERRED_PORT)) ?? (await tryPort(0))!;
}

/** The port if it can be listened at; 0: any. */
function tryPort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => {
      const { port: got } = server.address() as { port: number };
      server.close(() => resolve(got));
    });
  });
}

/**
 * The cluster of that name, made from ci/kind.yaml unless it exists. `KIND_NODE_IMAGE` names another image of its nodes than
 * kind's own.
 */
export async function makeCluster(name: string): Promise<KindCluster> {
  await mkdir(folder, { recursive: true });
  const kubeconfig = kubeconfigOf(name);
  if (await isThere(name)) {
    await run('kind', ['export', 'kubeconfig', '--name', name, '--kubeconfig', kubeconfig]);
    return named(name);
  }
  const image = process.env['KIND_NODE_IMAGE'];
  const node = image === undefined ? [] : ['--image', image];
  const file = join(folder, `${name}.yaml`);
  const text = await readFile(`${root}ci/kind.yaml`, 'utf8');
  await writeFile(file, text.replace(/hostPort: \d+/, `hostPort: ${await hubPort()}`));
  const config = ['--config', file, '--kubeconfig', kubeconfig];
  await run('kind', ['create', 'cluster', '--name', name, ...config, '--wait', '180s', ...node]);
  const cluster = await named(name);
  // kind waits only for the control plane: pods created before a worker is ready would all be on the other one
  await cluster.kubectl(['wait', 'node', '--all', '--for=condition=Ready', '--timeout=180s']);
  return cluster;
}

export async function removeCluster(name: string): Promise<void> {
  await run('kind', ['delete', 'cluster', '--name', name, '--kubeconfig', kubeconfigOf(name)]);
}
