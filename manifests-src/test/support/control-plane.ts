import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { selfSigned } from '@streamspace/testkit';
import { COUNTER, TEMPLATE } from '../../../ci/ha/counter.ts';
import { PROGRAMS } from '../../../ci/kind/images.ts';
import type { Cluster } from './cluster.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const NAMESPACE = 'control-plane';
/** Where the guide has it. */
const HOST = 'streamspace.example.com';
/** As the guide calls them; the second is for its upgrades. */
const AGENTS = ['streamspace/k8s-agent:v2.0', 'streamspace/k8s-agent:v2.1'];

/** What an ingress does: TLS for the hub. */
const DOOR = `const { createServer } = require('node:tls');
const { connect } = require('node:net');
const { readFileSync } = require('node:fs');
createServer({ key: readFileSync('/tls/tls.key'), cert: readFileSync('/tls/tls.crt') }, (socket) => {
  const hub = connect(80, 'streamspace-api');
  for (const [one, other] of [[socket, hub], [hub, socket]]) one.on('error', () => other.destroy()).on('close', () => other.destroy()).pipe(other);
}).listen(443);`;

/** What an agent of the guide is told besides, in JSON: its image, and light sessions, whose program is in that image. */
export const AGENT_VALUES = {
  agent: {
    image: { repository: 'streamspace/k8s-agent', tag: 'v2.0' },
    config: {
      session: {
        podTemplate: {
          apiVersion: 'v1',
          kind: 'Pod',
          spec: {
            terminationGracePeriodSeconds: 1,
            containers: [
              {
                name: 'session',
                command: ['node', '-e', COUNTER],
                securityContext: { runAsUser: 1000, runAsGroup: 1000 },
              },
            ],
          },
        },
      },
    },
  },
};

/** A control plane at wss://streamspace.example.com, as far as the pods of the cluster are concerned, and its agents' images, which trust it. */
export class ControlPlane {
  /** Its certificate, which is its own authority. */
  readonly certificate: string;
  readonly #cluster: Cluster;
  readonly #key: string;
  #forward: ChildProcess | undefined;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    [this.#key, this.certificate] = ['key', 'crt'].map((end) => join(cluster.folder, `tls.${end}`)) as [string, string];
  }

  /** What a reader and the agents find before there is a hub: name, certificate, images. */
  async prepare(): Promise<void> {
    const cluster = this.#cluster;
    selfSigned(cluster.folder, 'tls', HOST);
    const dockerfile = `FROM ${PROGRAMS.agent}\nCOPY tls.crt /etc/ssl/guide.crt\nENV NODE_EXTRA_CA_CERTS=/etc/ssl/guide.crt\n`;
    writeFileSync(join(cluster.folder, 'Dockerfile'), dockerfile);
    writeFileSync(join(cluster.folder, '.dockerignore'), '*\n!tls.crt\n');
    await cluster.exec(['docker', 'build', '-q', ...AGENTS.flatMap((tag) => ['-t', tag]), cluster.folder]);
    await cluster.load(...AGENTS);
    const dns = ['-n', 'kube-system'];
    const names = await cluster.kubectl(...dns, 'get', 'configmap', 'coredns', '-o', 'jsonpath={.data.Corefile}');
    if (names.includes(HOST)) return;
    const rewrite = `rewrite name ${HOST} door.${NAMESPACE}.svc.cluster.local`;
    const patch = JSON.stringify({ data: { Corefile: names.replace(/^( *)ready$/m, `$1${rewrite}\n$&`) } });
    await cluster.kubectl(...dns, 'patch', 'configmap', 'coredns', '--type=merge', '-p', patch);
    await cluster.kubectl(...dns, 'rollout', 'restart', 'deployment/coredns');
    await cluster.kubectl(...dns, 'rollout', 'status', 'deployment/coredns', '--timeout=120s');
  }

  /** Starts it; it knows that token (of `k8s-prod-us-east-1` alone), and the one of test-values/minimal.yaml. Gives its port at this computer. */
  async start(token: string): Promise<number> {
    const cluster = this.#cluster;
    const meta = (name: string) => ({ name, namespace: NAMESPACE });
    const base64 = (file: string) => readFileSync(file).toString('base64');
    const labels = { app: 'door' };
    await cluster.apply(
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: meta('agent-tokens'),
        stringData: { 'agent-tokens': `k8s-prod-us-east-1=${token}` },
      },
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: meta('door'),
        type: 'kubernetes.io/tls',
        data: { 'tls.key': base64(this.#key), 'tls.crt': base64(this.certificate) },
      },
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: meta('door'),
        spec: { selector: labels, ports: [{ port: 443 }] },
      },
      {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { ...meta('door'), labels },
        spec: {
          terminationGracePeriodSeconds: 0,
          // the port is below 1024
          securityContext: { runAsUser: 0 },
          containers: [
            {
              name: 'door',
              image: PROGRAMS.api,
              command: ['node', '-e', DOOR],
              volumeMounts: [{ name: 'tls', mountPath: '/tls' }],
            },
          ],
          volumes: [{ name: 'tls', secret: { secretName: 'door' } }],
        },
      },
    );
    const session = { image: AGENTS[0], cpu: 0.01, memory: 64 * 1024 ** 2, storage: 16 * 1024 ** 2, env: {} };
    const values = join(cluster.folder, 'control-plane.json');
    const template = { id: TEMPLATE, name: 'Counter', description: 'A screen that counts', platforms: ['kubernetes'] };
    writeFileSync(
      values,
      JSON.stringify({
        k8sAgent: { enabled: false },
        redis: { persistence: { enabled: false } },
        api: {
          agentTokens: { existingSecret: { name: 'agent-tokens' } },
          config: { templates: [{ ...template, ...session }] },
        },
      }),
    );
    const files = ['-f', `${root}test-values/minimal.yaml`, '-f', values];
    await cluster.helm(
      'install',
      'streamspace',
      `${root}chart`,
      '-n',
      NAMESPACE,
      ...files,
      '--wait',
      '--timeout',
      '3m',
    );
    await cluster.kubectl('-n', NAMESPACE, 'wait', 'pod/door', '--for=condition=Ready', '--timeout=60s');
    return this.#forwarded();
  }

  #forwarded(): Promise<number> {
    const env = { ...process.env, KUBECONFIG: join(this.#cluster.folder, 'kubeconfig') };
    const child = spawn('kubectl', ['-n', NAMESPACE, 'port-forward', 'pod/door', ':443'], { env });
    this.#forward = child;
    let said = '';
    return new Promise((resolve, reject) => {
      child.on('error', reject).on('exit', () => reject(new Error(`port-forward of the door: ${said}`)));
      child.stderr.on('data', (data: Buffer) => (said += data.toString()));
      child.stdout.on('data', (data: Buffer) => {
        said += data.toString();
        const port = /^Forwarding from 127\.0\.0\.1:(\d+)/m.exec(said)?.[1];
        if (port !== undefined) resolve(Number(port));
      });
    });
  }

  async close(): Promise<void> {
    this.#forward?.kill();
    await this.#cluster.tryKubectl('delete', 'namespace', NAMESPACE, '--wait=false');
  }
}
