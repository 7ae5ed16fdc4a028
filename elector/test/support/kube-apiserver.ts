import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { KubeConfig } from '@kubernetes/client-node';
import { systemClock } from 'clock-port';
import { type Call, Connection } from 'kube-client';
import { find, freePort, Program, until } from './programs.ts';

const TOKEN = 'a-token-of-this-test';
const START_MS = 60_000;

/** Where etcd and kube-apiserver are; or why there are none, in words. */
export async function kubernetesPrograms(): Promise<{ etcd: string; apiserver: string } | { missing: string }> {
  const etcd = await find('etcd', process.env['KUBEBUILDER_ASSETS']);
  const apiserver = await find('kube-apiserver', process.env['KUBEBUILDER_ASSETS']);
  if (etcd && apiserver) return { etcd, apiserver };
  return { missing: `no ${etcd ? 'kube-apiserver' : 'etcd'} in KUBEBUILDER_ASSETS or on the PATH` };
}

/** A real etcd and a real kube-apiserver, as processes. No controllers and no kubelet: pods are what the test says they are. */
export class KubeApiServer {
  readonly connection: Connection;
  readonly port: number;
  readonly #folder: string;
  readonly #programs: { etcd: string; apiserver: string };
  readonly #etcdPort: number;
  readonly #audit: boolean;
  #etcd: Program | undefined;
  #apiserver: Program | undefined;

  /** Where every request is logged, a JSON line each, if the server was started with `audit`. */
  get auditLog(): string {
    return join(this.#folder, 'audit.log');
  }

  static async start(programs: { etcd: string; apiserver: string }, { audit = false } = {}): Promise<KubeApiServer> {
    const folder = await mkdtemp(join(tmpdir(), 'kube-apiserver-'));
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    await writeFile(join(folder, 'sa.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
    await writeFile(join(folder, 'tokens'), `${TOKEN},tester,tester,"system:masters"\n`);
    const policy = { apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules: [{ level: 'Metadata' }] };
    await writeFile(join(folder, 'audit-policy.json'), JSON.stringify(policy));
    const server = new KubeApiServer(programs, folder, await freePort(), await freePort(), audit);
    await server.resume();
    return server;
  }

  private constructor(
    programs: { etcd: string; apiserver: string },
    folder: string,
    port: number,
    etcdPort: number,
    audit: boolean,
  ) {
    this.#audit = audit;
    this.#programs = programs;
    this.#folder = folder;
    this.port = port;
    this.#etcdPort = etcdPort;
    this.connection = new Connection(this.config(), systemClock, 'test');
  }

  /** A kubeconfig for it; `port`: of a proxy in front of it. */
  config(port = this.port): KubeConfig {
    const config = new KubeConfig();
    config.loadFromClusterAndUser(
      { name: 'test', server: `https://127.0.0.1:${port}`, skipTLSVerify: true },
      { name: 'tester', token: TOKEN },
    );
    return config;
  }

  /** The same as a file, for programs that read one. */
  async configFile(port = this.port): Promise<string> {
    const path = join(this.#folder, `kubeconfig-${port}`);
    await writeFile(path, this.config(port).exportConfig());
    return path;
  }

  /** Starts both, or what is not running of them. */
  async resume(): Promise<void> {
    const etcdUrl = `http://127.0.0.1:${this.#etcdPort}`;
    if (!this.#etcd?.running) {
      this.#etcd = new Program(this.#programs.etcd, [
        `--data-dir=${join(this.#folder, 'etcd')}`,
        `--listen-client-urls=${etcdUrl}`,
        `--advertise-client-urls=${etcdUrl}`,
        '--listen-peer-urls=http://127.0.0.1:0',
        '--unsafe-no-fsync',
        '--log-level=error',
      ]);
    }
    this.#apiserver = new Program(this.#programs.apiserver, [
      `--etcd-servers=${etcdUrl}`,
      `--secure-port=${this.port}`,
      '--bind-address=127.0.0.1',
      `--cert-dir=${join(this.#folder, 'certs')}`,
      '--service-account-issuer=https://test',
      `--service-account-key-file=${join(this.#folder, 'sa.key')}`,
      `--service-account-signing-key-file=${join(this.#folder, 'sa.key')}`,
      `--token-auth-file=${join(this.#folder, 'tokens')}`,
      '--authorization-mode=RBAC',
      '--disable-admission-plugins=ServiceAccount',
      '--service-cluster-ip-range=10.0.0.0/24',
      '--endpoint-reconciler-type=none',
      '--shutdown-delay-duration=0s',
      '--v=0',
      ...(this.#audit
        ? [`--audit-policy-file=${join(this.#folder, 'audit-policy.json')}`, `--audit-log-path=${this.auditLog}`]
        : []),
    ]);
    await until(
      async () => {
        if (!this.#apiserver!.running) throw new Error(`kube-apiserver ended: ${this.#apiserver!.output}`);
        return this.#ready();
      },
      START_MS,
      () => `kube-apiserver is ready\n${this.#apiserver!.output}\n${this.#etcd!.output}`,
    );
  }

  /** Kills the API server; etcd keeps what it has. */
  async kill(): Promise<void> {
    await this.#apiserver?.stop('SIGKILL');
  }

  /** A namespace of its own for each test. */
  async namespace(): Promise<string> {
    const created = await this.connection.json<{ metadata: { name: string } }>(
      {
        method: 'POST',
        path: '/api/v1/namespaces',
        body: { apiVersion: 'v1', kind: 'Namespace', metadata: { generateName: 'test-' } },
      },
      AbortSignal.timeout(10_000),
    );
    return created.metadata.name;
  }

  /** Any request, as kubectl would make it. */
  async request(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
    const call = { method, path, ...(body !== undefined && { body }) } as Call;
    return this.connection.json(call, AbortSignal.timeout(10_000));
  }

  async stop(): Promise<void> {
    await this.connection.close();
    await this.#apiserver?.stop('SIGKILL');
    await this.#etcd?.stop('SIGKILL');
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #ready(): Promise<boolean> {
    try {
      // also says that the server knows its own namespaces and roles
      const { status } = await new Promise<{ status: number }>((resolve, reject) => {
        import('node:https')
          .then(({ get }) => {
            const options = {
              rejectUnauthorized: false,
              headers: { authorization: `Bearer ${TOKEN}` },
              agent: false as const,
            };
            const request = get(`https://127.0.0.1:${this.port}/readyz`, options, (response) => {
              response.resume();
              resolve({ status: response.statusCode ?? 0 });
            });
            request.on('error', reject);
            request.setTimeout(2000, () => request.destroy(new Error('no answer')));
          })
          .catch(reject);
      });
      return status === 200;
    } catch {
      return false;
    }
  }
}
