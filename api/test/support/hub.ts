import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import type { Session, SessionStatus } from '@streamspace/protocol';
import { freePort, VirtualClock } from '@streamspace/testkit';
import { iso } from 'clock-port';
import type { FastifyInstance } from 'fastify';
import { Registry } from 'prom-client';
import { WebSocket } from 'ws';
import { agentGateway, type LinkGateway } from '../../src/agents/gateway.ts';
import { buildApp } from '../../src/app.ts';
import { newCredential, sha256Hex } from '../../src/auth/secrets.ts';
import { readHubConfig } from '../../src/config.ts';
import type { HubDeps } from '../../src/deps.ts';
import { publisher } from '../../src/events/publisher.ts';
import { provable, SessionProofs } from '../../src/sessions/proof.ts';
import type { Provider } from '../../src/sign-in/providers.ts';
import { memoryStore } from '../../src/store/memory/memory-store.ts';
import type { CommandRecord, Store } from '../../src/store/store.ts';
import { Inbox } from './inbox.ts';
import { type helloMessage, opened, ScriptedAgent } from './scripted-agent.ts';

const CAPACITY = { maxSessions: 100, cpu: 100, memory: 100e9 };

/** A whole hub behind a real server, its time in the test's hands, and people to talk to it. */
export class TestHub {
  readonly clock: VirtualClock;
  readonly store: Store;
  gateway!: LinkGateway;
  app!: FastifyInstance;
  internal!: FastifyInstance;
  readonly logged: { msg: string; fields: Record<string, unknown> }[];
  readonly deps: HubDeps;
  #port = 0;
  #agents: ScriptedAgent[] = [];
  #viewers: TestViewer[] = [];
  readonly #credentials = new Map<string, Promise<string>>();
  #nextId = 0;

  private constructor(
    change: (store: Store) => Store,
    beside: TestHub | undefined,
    address: string,
    env: Record<string, string>,
  ) {
    this.clock = beside?.clock ?? new VirtualClock();
    this.logged = [];
    this.store = change(beside?.store ?? memoryStore(this.clock));
    const config = readHubConfig({
      JWT_SECRET: 'x'.repeat(64),
      HEARTBEAT_INTERVAL: '10s',
      ALLOWED_ORIGINS: 'https://ok.example',
      ...env,
    });
    const { store, clock } = this;
    const line = (fields: Record<string, unknown>, msg: string) => void this.logged.push({ fields, msg });
    const log: Record<string, unknown> = {
      info: line,
      warn: line,
      error: line,
      debug: line,
      trace: line,
      fatal: line,
      level: 'info',
    };
    log.child = () => log;
    this.deps = {
      config,
      store,
      clock,
      log: log as unknown as HubDeps['log'],
      randomBytes,
      hub: address,
      metrics: new Registry(),
      publish: publisher(store, clock),
    };
  }

  /** `beside`: another replica, whose store and time it shares. */
  static async start(
    change: (store: Store) => Store = (store) => store,
    beside?: TestHub,
    env: Record<string, string> = {},
    providers: readonly Provider[] = [],
  ): Promise<TestHub> {
    const port = await freePort();
    const hub = new TestHub(change, beside, `http://127.0.0.1:${port}`, env);
    Object.assign(
      hub,
      await buildApp({ ...hub.deps, providers, gateway: (deps) => (hub.gateway = agentGateway(deps)) }),
    );
    await hub.internal.listen({ port, host: '127.0.0.1' });
    await hub.app.listen({ port: 0, host: '127.0.0.1' });
    hub.#port = (hub.app.server.address() as AddressInfo).port;
    return hub;
  }

  /** Where the other replicas reach it: the port of metrics and /internal. */
  get address(): string {
    return this.deps.hub;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.#port}`;
  }

  get port(): number {
    return this.#port;
  }

  async stop(): Promise<void> {
    for (const agent of this.#agents) agent.ws.terminate();
    for (const viewer of this.#viewers) viewer.ws.terminate();
    await this.app.close();
  }

  /** A credential of that agent. */
  async credential(agentId = 'a1'): Promise<string> {
    const { token, hash } = newCredential(randomBytes, agentId);
    await this.store.credentials.set(agentId, hash);
    return token;
  }

  /** An agent that is connected and has said nothing yet. */
  async agent(agentId = 'a1', options: { credential?: string; autoPong?: boolean } = {}): Promise<ScriptedAgent> {
    const known = this.#credentials.get(agentId) ?? this.credential(agentId);
    this.#credentials.set(agentId, known);
    const agent = await ScriptedAgent.connect(this.url, options.credential ?? (await known), options);
    this.#agents.push(agent);
    return agent;
  }

  /** An agent that is welcome. */
  async welcome(
    fields: Parameters<typeof helloMessage>[0] = {},
    options: { autoPong?: boolean } = {},
  ): Promise<ScriptedAgent> {
    const agent = await this.agent(fields.agent_id ?? 'a1', options);
    const answer = await agent.hello(fields);
    if (answer.type !== 'welcome') throw new Error(`refused: ${answer.error.message}`);
    return agent;
  }

  /** A session with its create command, as POST /sessions stores them. */
  async create(fields: Partial<Session> = {}): Promise<{ session: Session; command: CommandRecord }> {
    const at = iso(this.clock.now());
    const id = fields.id ?? `s${++this.#nextId}`;
    const session: Session = {
      id,
      name: id,
      user: 'ann',
      template: 'desktop',
      agent: 'a1',
      platform: 'process',
      region: 'here',
      state: 'pending',
      reason: null,
      cpu: 1,
      memory: 1e9,
      storage: 1e9,
      created_at: at,
      updated_at: at,
      command: `c-${id}`,
      ...fields,
    };
    const command = this.#command(session, 'create_session', `c-${id}`);
    const { cpu, memory, storage, created_at } = session;
    command.payload = {
      spec: { id, user: 'ann', template: 'desktop', name: id, cpu, memory, storage, image: '', env: {}, created_at },
    };
    const made = await this.store.sessions.create(session, command, CAPACITY);
    if (made === 'at_capacity') throw new Error('no room');
    this.gateway.dispatcher.wake(session.agent);
    return made;
  }

  /** A further command of a session, as the REST half appends it. */
  async order(
    sessionId: string,
    action: 'delete_session' | 'hibernate_session' | 'wake_session',
  ): Promise<CommandRecord> {
    const session = await this.session(sessionId);
    const command = this.#command(session, action, `c-${++this.#nextId}`);
    const during = { delete_session: 'deleting', hibernate_session: 'hibernating', wake_session: 'waking' } as const;
    await this.store.commands.append(command, {
      id: sessionId,
      patch: { state: during[action], command: command.id, updated_at: iso(this.clock.now()) },
    });
    this.gateway.dispatcher.wake(session.agent);
    return command;
  }

  /** As an agent says it of a session that this hub has made. */
  proven(status: SessionStatus, agent = 'a1'): SessionStatus {
    const proof = new SessionProofs(this.deps.config.sessionKeys).sign(provable(agent, status.spec));
    return { ...status, spec: { ...status.spec, proof } };
  }

  /** A command that has the agent list what it runs. */
  async list(agent: string): Promise<void> {
    const command = this.#command({ id: null, agent }, 'list_sessions', `c-${++this.#nextId}`);
    await this.store.commands.append(command);
    this.gateway.dispatcher.wake(agent);
  }

  #command(
    session: Pick<Session, 'agent'> & { id: string | null },
    action: CommandRecord['action'],
    id: string,
  ): CommandRecord {
    const now = this.clock.now();
    return {
      id,
      action,
      agent: session.agent,
      session: session.id,
      user: 'ann',
      state: 'pending',
      attempt: 0,
      error: null,
      created_at: iso(now),
      updated_at: iso(now),
      expires_at: iso(now + 300_000),
      trace_id: '0af7651916cd43dd8448eb211c80319c',
      payload: {},
      connection_id: null,
    };
  }

  /** A session that runs, and its agent. */
  async running(id = 's1'): Promise<{ agent: ScriptedAgent; session: Session }> {
    const agent = await this.welcome();
    await this.create({ id });
    await agent.serve();
    await this.reaches(id, 'running');
    return { agent, session: await this.session(id) };
  }

  async session(id: string): Promise<Session> {
    const session = await this.store.sessions.get(id);
    if (session === undefined) throw new Error(`no session ${id}`);
    return session;
  }

  async command(id: string): Promise<CommandRecord> {
    return (await this.store.commands.get(id))!;
  }

  async reaches(id: string, state: Session['state']): Promise<void> {
    await poll(`session ${id} ${state}`, async () => (await this.store.sessions.get(id))?.state === state);
  }

  async commandReaches(id: string, state: CommandRecord['state']): Promise<CommandRecord> {
    await poll(`command ${id} ${state}`, async () => (await this.store.commands.get(id))?.state === state);
    return this.command(id);
  }

  /** `expires`: when the token ends that it is from. */
  async ticket(session = 's1', user = 'ann', expires?: number): Promise<string> {
    const ticket = randomBytes(32).toString('base64url');
    await this.store.tickets.put(
      sha256Hex(ticket),
      { session, user, ...(expires !== undefined && { expires }) },
      60_000,
    );
    return ticket;
  }

  /** A viewer whose WebSocket is open. */
  async viewer(
    session = 's1',
    options: { ticket?: string; origin?: string; protocols?: string[]; viewer?: string; steer?: string } = {},
  ): Promise<TestViewer> {
    const ticket = options.ticket ?? (await this.ticket(session));
    const { viewer: name, steer } = options;
    const more = `${name === undefined ? '' : `&viewer=${name}`}${steer === undefined ? '' : `&steer=${steer}`}`;
    const ws = new WebSocket(
      `${this.url}/api/v1/sessions/${session}/vnc?ticket=${ticket}${more}`,
      options.protocols ?? ['binary'],
      {
        ...(options.origin !== undefined && { origin: options.origin }),
      },
    );
    const viewer = new TestViewer(ws);
    this.#viewers.push(viewer);
    await opened(ws);
    return viewer;
  }

  /** A viewer with its stream open at the agent. */
  async screen(agent: ScriptedAgent, session = 's1', credit = 256 * 1024): Promise<{ viewer: TestViewer; id: number }> {
    const viewer = await this.viewer(session);
    const { stream_id: id } = await agent.hear('vnc_connect');
    agent.say({ type: 'vnc_connected', stream_id: id, credit });
    return { viewer, id };
  }

  events(): Promise<{ type: string; data: Record<string, unknown>; agent: string | null }[]> {
    return this.store.events.since(0);
  }
}

/** What a viewer's page does, without the page. */
export class TestViewer {
  readonly ws: WebSocket;
  readonly got = new Inbox<Buffer>();
  readonly closed: Promise<{ code: number; reason: string }>;
  received = 0;

  constructor(ws: WebSocket) {
    this.ws = ws;
    ws.on('message', (data) => {
      this.received += (data as Buffer).length;
      this.got.add(data as Buffer);
    });
    ws.on('error', () => {});
    this.closed = new Promise((resolve) =>
      ws.once('close', (code, reason) => resolve({ code, reason: reason.toString() })),
    );
  }
}

async function poll(what: string, condition: () => Promise<boolean>): Promise<void> {
  const end = AbortSignal.timeout(5_000);
  while (!(await condition())) {
    if (end.aborted) throw new Error(`${what}: not within 5 s`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
