import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { buildPrograms, PROGRAMS } from '../../../ci/kind/images.ts';
import type { RenderedObject } from '../../src/render/synth.ts';
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

/** The network of a single node of IPv6 alone: there are plugins for it on every kind node, but not in every one a default that knows it. */
const IPV6_NETWORK = JSON.stringify({
  cniVersion: '0.3.1',
  name: 'ipv6',
  plugins: [
    {
      type: 'ptp',
      ipam: {
        type: 'host-local',
        dataDir: '/run/cni-ipam-state',
        ranges: [[{ subnet: 'fd00:10:244::/64' }]],
        routes: [{ dst: '::/0' }],
      },
    },
    { type: 'portmap', capabilities: { portMappings: true } },
  ],
});

/** Whether this machine has IPv6, so that a cluster of nothing else can be made on it. */
export async function hasIpv6(): Promise<boolean> {
  const { code, stdout } = await execute('cat', ['/proc/sys/net/ipv6/conf/all/disable_ipv6']);
  return code === 0 && stdout.trim() === '0';
}

export async function startCluster(name = 'manifests', ipFamily: 'ipv4' | 'ipv6' = 'ipv4'): Promise<Cluster> {
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
        ...(ipFamily === 'ipv6' ? { networking: { ipFamily, disableDefaultCNI: true } } : {}),
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
      ...(ipFamily === 'ipv4' ? ['--wait', '120s'] : []),
      ...(image === undefined ? [] : ['--image', image]),
    );
    if (ipFamily === 'ipv6') {
      const conflist = 'cat > /etc/cni/net.d/10-ipv6.conflist <<< "$0"';
      await run('docker', 'exec', `${name}-control-plane`, 'bash', '-c', conflist, IPV6_NETWORK);
      await run('kubectl', 'wait', 'node', '--all', '--for=condition=Ready', '--timeout=120s');
    }
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

export const namespace = (name: string, labels: Record<string, string> = {}): RenderedObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels },
});
