import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { AGENT_SUBPROTOCOL, type AgentMessage, PROTOCOL_VERSIONS } from '@streamspace/protocol';
import { SignJWT } from 'jose';
import { WebSocket } from 'ws';
import { BenchProcess } from '../../bench/load/process.ts';

const AGENT = 'hostile';
const HEAP_MB = 400;

export interface HostileResult {
  /** Whether the hub survived. */
  alive: boolean;
  /** Resident bytes: at rest, and the maximum. */
  rss: { calm: number; most: number };
  /** Milliseconds of `GET /health`, 99 of 100: before, and meanwhile. */
  p99: { calm: number; hostile: number };
  /** The attacks, with their numbers. */
  done: Record<string, number>;
  /** Sessions that the agent planted for others. */
  planted: number;
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const spec = (id: string) => ({
  id,
  user: 'victim',
  template: 'desktop',
  name: 'x'.repeat(200),
  cpu: 1,
  memory: 1e9,
  storage: 1e9,
  image: 'y'.repeat(1_024),
  env: {},
  created_at: '2030-01-01T00:00:00.000Z',
});

/** A hub with a small heap, and one agent's credential and one user's token in wrong hands, for so long (milliseconds). Programs have to be built. */
export async function hostile(ms: number, calmMs: number): Promise<HostileResult> {
  const port = 10_000 + Math.floor(Math.random() * 20_000);
  const [secret, enrolment] = [randomBytes(32).toString('base64url'), `sse_${randomBytes(32).toString('base64url')}`];
  const env = {
    PORT: String(port),
    METRICS_PORT: '0',
    HOST: '127.0.0.1',
    JWT_SECRET: secret,
    ENROLMENT_TOKEN: enrolment,
  };
  const small = { NODE_OPTIONS: `--max-old-space-size=${HEAP_MB}`, LOG_LEVEL: 'info' };
  const hub = BenchProcess.node('dist/hub.js', { ...env, ...small }, (line) => line.includes('listening'));
  const url = `http://127.0.0.1:${port}`;
  const over = new AbortController();
  const done: Record<string, number> = {};
  const count = (what: string) => (done[what] = (done[what] ?? 0) + 1);
  const token = (user: string, role: string) =>
    new SignJWT({ roles: [role] })
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject(user)
      .setIssuedAt()
      .setExpirationTime('2h')
      .sign(Buffer.from(secret));
  const ask = async (method: string, path: string, bearer: string, body?: string) => {
    const headers = {
      authorization: `Bearer ${bearer}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    };
    const answer = await fetch(`${url}/api/v1/${path}`, { method, headers, ...(body !== undefined && { body }) });
    return { status: answer.status, text: await answer.text() };
  };
  // in a separate process, so that the attackers' event loop does not delay the measurement
  const p99OfHealth = async (during: number): Promise<number> => {
    const prober = fileURLToPath(new URL('prober.mjs', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [prober, `${url}/health`, String(during)], {
      maxBuffer: 16 * 1024 * 1024,
      timeout: during + 60_000,
    });
    const times = JSON.parse(stdout) as number[];
    return times.toSorted((one, other) => one - other)[Math.floor(times.length * 0.99)] ?? Number.NaN;
  };
  const attacks: (() => Promise<void>)[] = [];
  try {
    await hub.ready;
    const enrolled = await ask('POST', 'agents/enrol', enrolment, JSON.stringify({ agent_id: AGENT }));
    const { credential } = JSON.parse(enrolled.text) as { credential: string };
    const [user, admin] = await Promise.all([token('mallory', 'user'), token('root', 'admin')]);

    // S3, S11: one link after the other, each until the hub ends it
    let term = 0;
    const link = (what: string, say: (n: number) => object) => async () => {
      const ws = new WebSocket(`ws://127.0.0.1:${port}/api/v1/agent/connect`, AGENT_SUBPROTOCOL, {
        headers: { authorization: `Bearer ${credential}` },
      });
      const closed = new Promise<void>((resolve) => {
        ws.once('close', () => resolve());
        ws.once('error', () => resolve());
      });
      const capacity = { cpu: 1, memory: 1e9, max_sessions: 10 };
      const hello: AgentMessage = {
        type: 'hello',
        versions: [...PROTOCOL_VERSIONS],
        agent_id: AGENT,
        replica: `r${(term += 1)}`,
        term,
        platform: 'process',
        region: 'x',
        priority: 'high',
        capacity,
        build: 'x',
      };
      ws.once('open', () => ws.send(JSON.stringify(hello)));
      const welcome = new Promise<boolean>((resolve) => {
        ws.once('message', (data: Buffer) => resolve(data.includes('"welcome"')));
        void closed.then(() => resolve(false));
      });
      if (await welcome)
        for (let n = 0; n < 400 && ws.readyState === WebSocket.OPEN && !over.signal.aborted; n += 1) {
          ws.send(JSON.stringify(say(n)));
          count(what);
          await pause(5);
        }
      ws.terminate();
      await closed;
      await pause(500);
    };
    const beat = (n: number, digits: number) => ({
      type: 'heartbeat',
      seq: n,
      status: 'online',
      capacity: { cpu: n, memory: 1e9, max_sessions: 10 },
      active_sessions: 0,
      replicas: Array.from({ length: 64 }, (_, at) => ({
        name: `${n}-${at}-`.padEnd(253, 'z'),
        role: 'standby',
        since: `2030-01-01T00:00:00.${'0'.repeat(digits)}Z`,
      })),
    });
    const upgrade = (what: string, path: string, protocol?: string) => async () => {
      const ws = new WebSocket(`ws://127.0.0.1:${port}/api/v1/${path}`, protocol === undefined ? [] : [protocol]);
      await new Promise<void>((resolve) => ws.once('error', () => resolve()).once('close', () => resolve()));
      count(what);
      await pause(10);
    };
    const kinds = [
      link('heartbeats of 15,000 digits', (n) => beat(n, 15_000)),
      link('heartbeats as large as allowed', (n) => beat(n, 9)),
      link('planted sessions', (n) => ({ type: 'session_state', session: { spec: spec(`p-${n}`), state: 'running' } })),
      link('reports without end', (n) => ({
        type: 'sessions',
        more: true,
        sessions: Array.from({ length: 100 }, (_, at) => ({
          spec: spec(`q-${n}-${at}`),
          state: 'failed',
          reason: 'r'.repeat(4_000),
        })),
      })),
    ];
    let turn = 0;
    attacks.push(() => kinds[turn++ % kinds.length]!());
    // S2: a small request for a large answer; S7: what others' limits are used up with
    const fields = JSON.stringify(Object.fromEntries(Array.from({ length: 8_000 }, (_, n) => [`f${n}`, 1])));
    const request = (what: string, method: string, path: string, bearer: string, body?: string) => async () => {
      await ask(method, path, bearer, body);
      count(what);
      await pause(50);
    };
    attacks.push(
      request('enrolments without a token', 'POST', 'agents/enrol', 'sse_wrong', fields),
      request('unknown fields of a session', 'POST', 'sessions', user, fields),
      request('sessions of 1e300 bytes', 'POST', 'sessions', user, '{"template":"desktop","storage":1e300}'),
      request('timelines', 'GET', `agents/${AGENT}/timeline`, user),
      upgrade('tickets that nobody gave', `sessions/s-0123456789abcdef/vnc?ticket=${'x'.repeat(43)}`),
      upgrade('connections of nobody', 'agent/connect', AGENT_SUBPROTOCOL),
    );

    const calm = await p99OfHealth(calmMs);
    const calmRss = hub.rss();
    let most = calmRss;
    const running = attacks.map(async (attack) => {
      while (!over.signal.aborted) await attack().catch(() => pause(100));
    });
    const looking = setInterval(() => {
      if (hub.child.exitCode === null) most = Math.max(most, hub.rss());
    }, 100);
    const meanwhile = await p99OfHealth(ms).finally(() => clearInterval(looking));
    over.abort();
    await Promise.all(running);
    const sessions = await ask('GET', 'sessions?all=true', admin).catch(() => undefined);
    return {
      alive: sessions?.status === 200 && hub.child.exitCode === null,
      rss: { calm: calmRss, most },
      p99: { calm, hostile: meanwhile },
      done,
      planted: sessions === undefined ? Number.NaN : (JSON.parse(sessions.text) as { items: unknown[] }).items.length,
    };
  } finally {
    over.abort();
    await hub.stop();
  }
}
