// Many idle agents: one socket each, reconnecting as the agent does. Reports its observations as lines of JSON.
import { createHash, randomBytes } from 'node:crypto';
import { AGENT_SUBPROTOCOL, type AgentMessage, PROTOCOL_VERSIONS } from '@streamspace/protocol';
import { systemClock } from 'clock-port';
import { WebSocket } from 'ws';
import { Backoff } from '../../agent/src/link/backoff.ts';
import { openStore } from '../../api/src/store/open.ts';

const { CROWD_PORTS, CROWD_STORE, CROWD_COUNT, CROWD_NAME } = process.env;
const ports = JSON.parse(CROWD_PORTS!) as number[];
const count = Number(CROWD_COUNT);
const store = openStore({ url: CROWD_STORE! }, systemClock);
const capacity = { cpu: 8, memory: 2 ** 36, max_sessions: 100 };
const say = (what: object) => process.stdout.write(`${JSON.stringify(what)}\n`);
/** Replicas that recently refused a connection: a load balancer would send no client there. */
const dead = new Map<number, number>();
const anyPort = () => {
  const alive = ports.filter((port) => (dead.get(port) ?? 0) < performance.now() - 1_000);
  const among = alive.length === 0 ? ports : alive;
  return among[Math.floor(Math.random() * among.length)]!;
};

let connected = 0;
/** For each lost connection: the time of the loss, and the duration until the next welcome. */
let back: number[] = [];
let lost = 0;
/** Attempts without a welcome, by reason. */
let refused: Record<string, number> = {};
const why = (reason: string) => (refused[reason] = (refused[reason] ?? 0) + 1);
let stopping = false;

class SimulatedAgent {
  readonly #id: string;
  readonly #credential: string;
  readonly #backoff = new Backoff(systemClock, { base: 5_000, max: 300_000, random: Math.random });
  #port = anyPort();
  #lostAt: number | undefined;
  #seq = 0;

  constructor(id: string, credential: string) {
    this.#id = id;
    this.#credential = credential;
  }

  connect(welcomed: () => void = () => {}): void {
    const socket = new WebSocket(`ws://127.0.0.1:${this.#port}/api/v1/agent/connect`, [AGENT_SUBPROTOCOL], {
      headers: { authorization: `Bearer ${this.#credential}` },
      perMessageDeflate: false,
      generateMask: (mask) => void mask.fill(0),
    });
    const send = (message: AgentMessage) => socket.send(JSON.stringify(message));
    let welcome = false;
    let retryAfter = 0;
    let beats: NodeJS.Timeout | undefined;
    socket.on('error', (error) => {
      why(error.message);
      if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') dead.set(this.#port, performance.now());
    });
    socket.on('unexpected-response', (_request, response) => {
      retryAfter = Number(response.headers['retry-after'] ?? 0) * 1_000;
      why(`HTTP ${response.statusCode} ${retryAfter}`);
      response.resume();
      socket.terminate();
    });
    socket.on('open', () =>
      send({
        type: 'hello',
        versions: [...PROTOCOL_VERSIONS],
        agent_id: this.#id,
        replica: `${this.#id}-0`,
        term: 1,
        platform: 'process',
        region: 'bench',
        priority: 'low',
        capacity,
        build: 'crowd',
      }),
    );
    const beat = () =>
      send({ type: 'heartbeat', seq: this.#seq++, status: 'online', capacity, active_sessions: 0, replicas: [] });
    socket.on('message', (data) => {
      if (welcome) return;
      const message = JSON.parse((data as Buffer).toString()) as { type: string; retry_after_ms?: number };
      if (message.type === 'refuse') {
        retryAfter = message.retry_after_ms ?? 0;
        why(JSON.stringify(message).slice(0, 120));
      }
      if (message.type !== 'welcome') return;
      welcome = true;
      connected += 1;
      this.#backoff.welcome();
      if (this.#lostAt !== undefined) back.push(performance.now() - this.#lostAt);
      this.#lostAt = undefined;
      send({ type: 'sessions', sessions: [] });
      beats = setTimeout(() => {
        beat();
        beats = setInterval(beat, 30_000);
      }, Math.random() * 30_000);
      welcomed();
    });
    socket.on('close', () => {
      clearTimeout(beats);
      if (welcome) {
        connected -= 1;
        lost += 1;
        this.#lostAt = performance.now();
      }
      if (stopping) return;
      setTimeout(() => {
        this.#port = anyPort();
        this.connect(welcomed);
      }, this.#backoff.next(retryAfter));
    });
  }
}

const agents: SimulatedAgent[] = [];
for (let at = 0; at < count; at += 500) {
  agents.push(
    ...(await Promise.all(
      Array.from({ length: Math.min(500, count - at) }, async (_, index) => {
        const id = `${CROWD_NAME}-${at + index}`;
        const credential = `ssa_${id}.${randomBytes(32).toString('base64url')}`;
        await store.credentials.set(id, createHash('sha256').update(credential).digest('hex'));
        return new SimulatedAgent(id, credential);
      }),
    )),
  );
}
await store.close();
// at a moderate rate
for (let at = 0; at < agents.length; at += 50) {
  await Promise.all(agents.slice(at, at + 50).map((agent) => new Promise<void>((resolve) => agent.connect(resolve))));
}
say({ ready: connected });
process.on('SIGUSR2', () => {
  say({ connected, lost, refused, back });
  refused = {};
  back = [];
  lost = 0;
});
process.on('SIGTERM', () => {
  stopping = true;
  process.exit(0);
});
