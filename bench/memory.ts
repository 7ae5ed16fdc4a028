// npm run bench:memory [-- --update]
// The memory of an agent replica: two processes of the agent, one leading and one standing by, on a real API server with a stand-in for
// the kubelet, while sessions come and go and both are asked for their metrics; then the standby alone, as the leader. --update writes it
// to docs/agent.md.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Accepted, Command } from '@streamspace/protocol';
import { KubeApiserver } from '@streamspace/testkit';
import { SignJWT } from 'jose';
import { kubernetesPlace } from '../agent/test/integration/kubernetes-place.ts';
import { buildPrograms } from '../scripts/build.mjs';
import { BenchProcess, root } from './load/process.ts';

const SESSIONS = 100;
/** Commands in progress at a time. */
const AT_ONCE = 10;
const SAMPLE_MS = 250;
/** Milliseconds for one command, and for an election. */
const PATIENCE_MS = 60_000;

const folder = mkdtempSync(join(tmpdir(), 'bench-memory-'));
const port = 10_000 + Math.floor(Math.random() * 20_000);
const secret = randomBytes(32).toString('base64url');
const enrolment = `sse_${randomBytes(32).toString('base64url')}`;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A replica, its resident memory in bytes since the last `take`, and the poller of its health and metrics, as in a cluster. */
class Replica {
  readonly process: BenchProcess;
  readonly #health: number;
  #samples: number[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(name: string, kubeconfig: string, ports: [health: number, metrics: number]) {
    this.#health = ports[0];
    this.process = BenchProcess.node(
      'dist/agent.js',
      {
        NODE_ENV: 'production',
        AGENT_ID: 'memory',
        POD_NAME: name,
        CONTROL_PLANE_URL: `ws://127.0.0.1:${port}`,
        AGENT_TOKEN: enrolment,
        ENABLE_HA: 'true',
        PLATFORM: 'kubernetes',
        KUBECONFIG: kubeconfig,
        NAMESPACE: 'memory',
        STATE_DIR: join(folder, 'state'),
        MAX_SESSIONS: '1000',
        HEALTH_PORT: `${ports[0]}`,
        METRICS_PORT: `${ports[1]}`,
      },
      (line) => line.includes('"msg"'),
    );
    this.#timer = setInterval(() => {
      try {
        this.#samples.push(this.process.rss());
      } catch {
        clearInterval(this.#timer);
      }
      for (const url of [`:${ports[0]}/health`, `:${ports[0]}/ready`, `:${ports[1]}/metrics`])
        void fetch(`http://127.0.0.1${url}`)
          .then((answer) => answer.arrayBuffer())
          .catch(() => undefined);
    }, SAMPLE_MS);
  }

  /** The answer of `/ready`. */
  async ready(): Promise<{ role?: string; control_plane_connected?: boolean }> {
    const answer = await fetch(`http://127.0.0.1:${this.#health}/ready`).catch(() => undefined);
    return ((await answer?.json().catch(() => undefined)) ?? {}) as { role?: string };
  }

  take(): { median: number; most: number } {
    const sorted = this.#samples.toSorted((a, b) => a - b);
    this.#samples = [];
    return { median: sorted[Math.floor(sorted.length / 2)]!, most: sorted.at(-1)! };
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.process.stop();
  }
}

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  for (const began = performance.now(); performance.now() - began < PATIENCE_MS; await pause(100))
    if (await condition()) return;
  throw new Error(`${what}: not within ${PATIENCE_MS} ms`);
}

const token = await new SignJWT({ roles: ['admin', 'user'] })
  .setProtectedHeader({ alg: 'HS256' })
  .setSubject('bench')
  .setExpirationTime('2h')
  .sign(Buffer.from(secret));

async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const answer = await fetch(`http://127.0.0.1:${port}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as T;
}

async function carriedOut({ command }: Accepted): Promise<void> {
  await until(`Command ${command.id}`, async () => {
    const { state, error } = await call<Command>('GET', `/commands/${command.id}`);
    if (state === 'failed') throw new Error(error?.message ?? 'failed');
    return state === 'completed';
  });
}

/** Sequential within each of several lanes. */
async function each<T>(items: readonly T[], step: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const item of left) await step(item);
    }),
  );
}

async function measure(): Promise<{ standby: number[]; leader: number[]; alone: number[] }> {
  const server = await KubeApiserver.start();
  const place = await kubernetesPlace(server, 'memory');
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, server.kubeconfig('memory'), { mode: 0o600 });
  const hub = BenchProcess.node(
    'dist/hub.js',
    {
      PORT: `${port}`,
      HOST: '127.0.0.1',
      JWT_SECRET: secret,
      ENROLMENT_TOKEN: enrolment,
      RATE_LIMIT: '1000000',
    },
    (line) => line.includes('listening'),
  );
  const replicas: Replica[] = [];
  try {
    await hub.ready;
    const start = (name: string, index: number) => {
      const replica = new Replica(name, kubeconfig, [port + 1 + 2 * index, port + 2 + 2 * index]);
      replicas.push(replica);
      return replica;
    };
    const first = start('first', 0);
    await until('A leader', async () => (await first.ready()).control_plane_connected === true);
    const second = start('second', 1);
    await until('A standby', async () => (await second.ready()).role === 'standby');
    const ids: string[] = [];
    await each(Array.from({ length: SESSIONS }), async () => {
      const made = await call<Accepted>('POST', '/sessions', { template: 'desktop' });
      await carriedOut(made);
      ids.push(made.session.id);
    });
    for (const action of ['hibernate', 'wake'] as const)
      await each(ids, async (id) => carriedOut(await call<Accepted>('POST', `/sessions/${id}/${action}`)));
    const [standby, leader] = [second.take(), first.take()];
    await first.stop();
    await until('The next leader', async () => (await second.ready()).control_plane_connected === true);
    await each(ids, async (id) => carriedOut(await call<Accepted>('DELETE', `/sessions/${id}`)));
    const alone = second.take();
    return { standby: Object.values(standby), leader: Object.values(leader), alone: Object.values(alone) };
  } finally {
    for (const replica of replicas) await replica.stop();
    await hub.stop();
    await place.cleanup();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

await buildPrograms();
const found = await measure();
const mib = (bytes: number) => `${Math.ceil(bytes / 2 ** 20)} MiB`;
const rows = [
  ['a standby', ...found.standby.map(mib)],
  [`a leader, ${SESSIONS} sessions made, hibernated and woken, ${AT_ONCE} at a time`, ...found.leader.map(mib)],
  ['a standby that became the leader, the sessions deleted', ...found.alone.map(mib)],
];
const head = `\`npm run bench:memory\`, ${new Date().toISOString().slice(0, 10)}, ${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), Node ${process.version}, no limit set.`;
const table = [['resident memory', 'median', 'most'], ['---', '--:', '--:'], ...rows].map(
  (cells) => `| ${cells.join(' | ')} |`,
);
const text = `${head}\n\n${table.join('\n')}\n`;
process.stdout.write(text);
if (process.argv.includes('--update')) {
  const page = join(root, 'docs/agent.md');
  const now = readFileSync(page, 'utf8');
  writeFileSync(
    page,
    now.replace(
      /(<!-- bench:memory -->\n)[^]*(\n<!-- \/bench:memory -->)/,
      (_all, open: string, close: string) => `${open}\n${text}${close}`,
    ),
  );
}
process.exit();
