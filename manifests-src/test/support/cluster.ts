import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { buildPrograms, PROGRAMS } from '../../../ci/kind/images.ts';
import type { KubeObject } from '../../src/render/synth.ts';
import { execute, onPath, type Outcome } from './tools.ts';

/** A kind cluster of our own, made once and deleted at the end (kept, with KEEP_CLUSTER=1). */
export interface Cluster {
  readonly name: string;
  readonly folder: string;
  kubectl(...args: string[]): Promise<string>;
  /** Its outcome, whatever it is. */
  tryKubectl(...args: string[]): Promise<Outcome>;
  helm(...args: string[]): Promise<string>;
  apply(...objects: object[]): Promise<void>;
  load(...images: string[]): Promise<void>;
  exec(args: readonly string[], env?: Record<string, string>): Promise<string>;
  delete(): Promise<void>;
}

const NEEDED = ['docker', 'kind', 'kubectl', 'helm'];

/** Why there can't be a cluster on this machine; undefined: there can. */
export async function whyNoCluster(): Promise<string | undefined> {
  const missing = NEEDED.filter((tool) => onPath(tool) === undefined);
  if (missing.length > 0) return `${missing.join(', ')} not on PATH`;
  const { code } = await execute('docker', ['info']);
  return code === 0 ? undefined : 'no Docker engine answers';
}

async function must(file: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const { code, stdout, stderr } = await execute(file, args, { env, timeout: 600_000 });
  if (code !== 0) throw new Error(`${stderr || stdout}\n${file} ${args.join(' ').slice(0, 300)}`);
  return stdout;
}

export async function startCluster(name = 'manifests'): Promise<Cluster> {
  const folder = mkdtempSync(join(tmpdir(), 'cluster-'));
  const env = { ...process.env, KUBECONFIG: join(folder, 'kubeconfig') };
  const run = (file: string, ...args: string[]) => must(file, args, env);
  const there = (await run('kind', 'get', 'clusters')).split('\n').includes(name);
  if (there) await run('kind', 'export', 'kubeconfig', '--name', name);
  else {
    const config = join(folder, 'kind.yaml');
    // harmless where it is not needed
    writeFileSync(
      config,
      stringify({
        kind: 'Cluster',
        apiVersion: 'kind.x-k8s.io/v1alpha4',
        featureGates: { KubeletInUserNamespace: true },
      }),
    );
    const image = process.env['KIND_NODE_IMAGE'];
    await run(
      'kind',
      'create',
      'cluster',
      '--name',
      name,
      '--config',
      config,
      '--wait',
      '120s',
      ...(image === undefined ? [] : ['--image', image]),
    );
  }
  let files = 0;
  return {
    name,
    folder,
    kubectl: (...args) => run('kubectl', ...args),
    tryKubectl: (...args) => execute('kubectl', args, { env }),
    helm: (...args) => run('helm', ...args),
    exec: (args, more = {}) => must(args[0]!, args.slice(1), { ...env, ...more }),
    async apply(...objects) {
      const file = join(folder, `apply-${files++}.json`);
      writeFileSync(file, objects.map((object) => JSON.stringify(object)).join('\n---\n'));
      await run('kubectl', 'apply', '--server-side', '-f', file);
    },
    async load(...images) {
      await run('kind', 'load', 'docker-image', '--name', name, ...images);
    },
    async delete() {
      if (process.env['KEEP_CLUSTER'] !== '1') await run('kind', 'delete', 'cluster', '--name', name);
    },
  };
}

/** Builds the programs' images from this checkout, unless they are built, and puts them into the cluster. */
export async function loadPrograms(cluster: Cluster): Promise<void> {
  await buildPrograms(['api', 'agent']);
  await cluster.load(PROGRAMS.api, PROGRAMS.agent);
}

export const namespace = (name: string, labels: Record<string, string> = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels },
});
