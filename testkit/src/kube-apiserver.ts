import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createWriteStream, existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { generateKeyPairSync } from 'node:crypto';
import { request } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import { systemClock } from 'clock-port';
import type { Call, Connection } from 'kube-client';
import { freePorts } from './processes/free-ports.ts';

const BINARIES = ['etcd', 'kube-apiserver'] as const;
const START_MS = 60_000;
const REQUEST_MS = 10_000;

/** In `KUBEBUILDER_ASSETS`, or on the PATH. */
function binary(name: (typeof BINARIES)[number]): string {
  const path = join(process.env['KUBEBUILDER_ASSETS'] ?? '', name);
  return existsSync(path) ? path : name;
}

/** The reason why no API server can be started here; undefined if it can. */
export function kubeApiserverMissing(): string | undefined {
  const missing = BINARIES.filter(
    (name) => spawnSync(binary(name), ['--version'], { stdio: 'ignore' }).error !== undefined,
  );
  return missing.length === 0 ? undefined : `${missing.join(' and ')} not on PATH`;
}

/** Its own words. */
export const kubeApiserverVersion = (): string =>
  spawnSync(binary('kube-apiserver'), ['--version'], { encoding: 'utf8' }).stdout.trim();

export interface KubeApiserverOptions {
  /** Further flags of kube-apiserver. */
  readonly flags?: readonly string[];
  /** Every request is logged, a JSON line each, in {@link KubeApiserver.auditLog}. */
  readonly audit?: boolean;
}

/**
 * A real kube-apiserver with its etcd, as processes on loopback, the way envtest does: admission, RBAC and watches are real, but
 * no controller, scheduler or kubelet runs: only the test changes objects. ServiceAccount and
 * StorageObjectInUseProtection admission are off, as both wait for controllers.
 */
export class KubeApiserver {
  readonly url: string;
  readonly port: number;
  readonly #folder: string;
  readonly #flags: readonly string[];
  readonly #etcd: ChildProcess;
  #server: ChildProcess | undefined;
  #connection: Promise<Connection> | undefined;

  private constructor(port: number, folder: string, flags: readonly string[], etcd: ChildProcess) {
    this.port = port;
    this.url = `https://127.0.0.1:${port}`;
    this.#folder = folder;
    this.#flags = flags;
    this.#etcd = etcd;
  }

  static async start(options: KubeApiserverOptions = {}): Promise<KubeApiserver> {
    const missing = kubeApiserverMissing();
    if (missing !== undefined) throw new Error(missing);
    const folder = await mkdtemp(join(tmpdir(), 'kube-'));
    const [port, etcdPort, peerPort] = await freePorts(3);
    const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    await writeFile(join(folder, 'sa.key'), key.export({ type: 'pkcs1', format: 'pem' }));
    await writeFile(join(folder, 'tokens.csv'), 'admin-token,admin,admin,"system:masters"\n');
    const etcd = child(folder, binary('etcd'), [
      `--data-dir=${folder}/etcd`,
      `--listen-client-urls=http://127.0.0.1:${etcdPort}`,
      `--advertise-client-urls=http://127.0.0.1:${etcdPort}`,
      `--listen-peer-urls=http://127.0.0.1:${peerPort}`,
      '--unsafe-no-fsync=true',
      '--log-level=error',
    ]);
    const flags = [
      `--etcd-servers=http://127.0.0.1:${etcdPort}`,
      `--secure-port=${port}`,
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      `--cert-dir=${folder}/certs`,
      `--token-auth-file=${folder}/tokens.csv`,
      '--authorization-mode=RBAC',
      '--disable-admission-plugins=ServiceAccount,StorageObjectInUseProtection',
      '--service-cluster-ip-range=10.0.0.0/16',
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${folder}/sa.key`,
      `--service-account-signing-key-file=${folder}/sa.key`,
      '--shutdown-delay-duration=0s',
      ...(options.audit === true ? await auditFlags(folder) : []),
      ...(options.flags ?? []),
    ];
    const server = new KubeApiserver(port!, folder, flags, etcd);
    await server.up();
    return server;
  }

  /** Starts the API server (again, after {@link down}): same address, same data. */
  async up(): Promise<void> {
    const server = child(this.#folder, binary('kube-apiserver'), this.#flags);
    this.#server = server;
    const end = Date.now() + START_MS;
    while ((await status(`${this.url}/readyz`)) !== 200) {
      if (server.exitCode !== null || Date.now() > end) {
        const log = await readFile(join(this.#folder, 'kube-apiserver.log'), 'utf8').catch(() => '');
        await this.stop();
        throw new Error(`kube-apiserver did not start: ${log.slice(-2000)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Ends the API server at once, connections and all; the data stay. */
  async down(): Promise<void> {
    await ended(this.#server);
    this.#server = undefined;
  }

  /** A kubeconfig: of the one who may everything, or of a token's owner (a ServiceAccount's, by TokenRequest). */
  kubeconfig(namespace = 'default', token = 'admin-token', port = this.port): string {
    return JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'test',
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'test', namespace } }],
      clusters: [{ name: 'test', cluster: { server: `https://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'test', user: { token } }],
    });
  }

  /** The administrator's; `port`: of a proxy in front of it. */
  async config(port = this.port): Promise<KubeConfig> {
    // large, and most tests don't need it
    const { KubeConfig } = await import('@kubernetes/client-node');
    const config = new KubeConfig();
    config.loadFromString(this.kubeconfig('default', 'admin-token', port));
    return config;
  }

  /** As {@link config}, a file for programs that read one. */
  async configFile(port = this.port): Promise<string> {
    const path = join(this.#folder, `kubeconfig-${port}`);
    await writeFile(path, this.kubeconfig('default', 'admin-token', port));
    return path;
  }

  get auditLog(): string {
    return join(this.#folder, 'audit.log');
  }

  /** Makes a namespace of its own for a test. */
  async namespace(): Promise<string> {
    const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { generateName: 'test-' } };
    const { metadata } = await this.request('POST', '/api/v1/namespaces', body);
    return (metadata as { name: string }).name;
  }

  /** Any request, as kubectl would make it. */
  async request(method: Call['method'], path: string, body?: unknown): Promise<Record<string, unknown>> {
    this.#connection ??= this.#connect();
    return (await this.#connection).json({ method, path, body }, AbortSignal.timeout(REQUEST_MS));
  }

  async #connect(): Promise<Connection> {
    const { Connection } = await import('kube-client');
    return new Connection(await this.config(), systemClock, 'test');
  }

  /** What it shows of itself: PEM of its certificate and the authority that signed it. */
  certificates(): Promise<string> {
    return readFile(join(this.#folder, 'certs/apiserver.crt'), 'utf8');
  }

  async stop(): Promise<void> {
    await (await this.#connection)?.close();
    await ended(this.#server);
    await ended(this.#etcd);
    await rm(this.#folder, { recursive: true, force: true });
  }
}

async function auditFlags(folder: string): Promise<string[]> {
  const path = join(folder, 'audit-policy.json');
  const rules = [{ level: 'Metadata' }];
  await writeFile(path, JSON.stringify({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules }));
  return [`--audit-policy-file=${path}`, `--audit-log-path=${join(folder, 'audit.log')}`];
}

function child(folder: string, command: string, args: readonly string[]): ChildProcess {
  const log = createWriteStream(join(folder, `${basename(command)}.log`), { flags: 'a' });
  const process = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  process.stdout.pipe(log, { end: false });
  process.stderr.pipe(log, { end: false });
  process.once('exit', () => log.end());
  process.on('error', () => log.end());
  return process;
}

function ended(process: ChildProcess | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (process === undefined || process.exitCode !== null || process.signalCode !== null) return resolve();
    process.once('exit', () => resolve());
    process.kill('SIGKILL');
  });
}

function status(url: string): Promise<number> {
  return new Promise((resolve) => {
    const asked = request(url, { rejectUnauthorized: false, timeout: 2000, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    asked.on('error', () => resolve(0));
    asked.on('timeout', () => asked.destroy());
    asked.end();
  });
}
