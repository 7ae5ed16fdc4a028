import { randomBytes } from 'node:crypto';
import type { StreamSpaceError } from '@streamspace/protocol';
import { VirtualClock } from '@streamspace/testkit';
import type { FastifyInstance, InjectOptions, LightMyRequestResponse, RouteOptions } from 'fastify';
import { SignJWT } from 'jose';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { agentGateway } from '../../src/agents/gateway.ts';
import type { AgentGateway, LinkDeps, SessionPicture } from '../../src/agents/ports.ts';
import { buildApp } from '../../src/app.ts';
import { type HubConfig, readHubConfig } from '../../src/config.ts';
import { publisher } from '../../src/events/publisher.ts';
import type { Quotas } from '../../src/quotas/quotas.ts';
import { DEFAULT_TEMPLATES } from '../../src/sessions/templates.ts';
import { memoryStore } from '../../src/store/memory/memory-store.ts';
import type { Store } from '../../src/store/store.ts';
import { claim } from './records.ts';

export const SECRET = 'a secret of the tests, long enough for HS256';
/** Seconds. */
const TOKEN_LIFE = 3_600;

/** Stands for the half that holds the links: notes what it is asked. */
export class FakeLinks implements AgentGateway {
  readonly woken: string[] = [];
  readonly rotated: string[] = [];
  readonly closed: { agentId: string; error: StreamSpaceError }[] = [];
  failure: StreamSpaceError | undefined;
  deps: LinkDeps | undefined;
  readonly dispatcher = { wake: (agentId: string) => void this.woken.push(agentId) };
  readonly draining = false;
  readonly awake: string[] = [];
  async stayAwake(_agentId: string, sessionId: string): Promise<void> {
    if (this.failure) throw this.failure;
    this.awake.push(sessionId);
  }
  async picture(): Promise<SessionPicture> {
    if (this.failure) throw this.failure;
    return { png: Buffer.from('a picture'), at: 1_900_000_000_000 };
  }
  async rotate(agentId: string): Promise<void> {
    if (this.failure) throw this.failure;
    this.rotated.push(agentId);
  }
  async close(agentId: string, error: StreamSpaceError): Promise<void> {
    this.closed.push({ agentId, error });
  }
  /** Every route of the hub but those of this half. */
  readonly routes: RouteOptions[] = [];
  register(app: FastifyInstance): void {
    app.addHook('onRoute', (route) => void this.routes.push(route));
  }
}

/** The claims of a token; `undefined` leaves one out. Times in seconds. */
export type Claims = Record<string, unknown>;

/** The hub's REST half by inject, its time in the test's hands. */
export class Rest {
  readonly clock: VirtualClock;
  readonly store: Store;
  readonly links = new FakeLinks();
  readonly config: HubConfig;
  readonly app: FastifyInstance;
  readonly internal: FastifyInstance;
  #token = new Map<string, string>();

  private constructor(parts: {
    clock: VirtualClock;
    store: Store;
    config: HubConfig;
    app: FastifyInstance;
    internal: FastifyInstance;
    links: FakeLinks;
  }) {
    this.clock = parts.clock;
    this.store = parts.store;
    this.config = parts.config;
    this.app = parts.app;
    this.internal = parts.internal;
    this.links = parts.links;
  }

  static async start(
    env: Record<string, string | undefined> = {},
    change: (store: Store) => Store = (store) => store,
    /** `real`: with the half that holds the links, as the hub has it. */
    half: 'fake' | 'real' = 'fake',
    quotas?: Quotas,
  ): Promise<Rest> {
    const clock = new VirtualClock();
    const store = change(memoryStore(clock));
    for (const template of DEFAULT_TEMPLATES) await store.templates.put(template);
    const config = readHubConfig({ JWT_SECRET: SECRET, ...env });
    const links = new FakeLinks();
    const { app, internal } = await buildApp({
      config,
      store,
      clock,
      log: pino({ level: 'silent' }),
      randomBytes,
      hub: 'hub-1',
      metrics: new Registry(),
      publish: publisher(store, clock),
      quotas,
      gateway: (deps) => {
        links.deps = deps;
        return half === 'real' ? agentGateway(deps) : links;
      },
    });
    await app.ready();
    return new Rest({ clock, store, config, app, internal, links });
  }

  /** A signed token; by default of the user `alice`, for an hour. */
  sign(claims: Claims = {}, secret = SECRET, alg = 'HS256'): Promise<string> {
    const now = Math.floor(this.clock.now() / 1_000);
    const all = { sub: 'alice', roles: ['user'], iat: now, exp: now + TOKEN_LIFE, ...claims };
    return new SignJWT(Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)))
      .setProtectedHeader({ alg })
      .sign(new TextEncoder().encode(secret));
  }

  /** `who`: a user's name, `admin` is an admin; undefined: nobody. */
  async as(
    who: string | undefined,
    method: InjectOptions['method'],
    url: string,
    payload?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    if (who !== undefined && !this.#token.has(who))
      this.#token.set(who, await this.sign({ sub: who, roles: [who === 'admin' ? 'admin' : 'user'] }));
    const authorization = who === undefined ? {} : { authorization: `Bearer ${this.#token.get(who)}` };
    const response = await this.app.inject({
      method: method!,
      url: url.startsWith('/') ? url : `/api/v1/${url}`,
      headers: { ...authorization, ...headers },
      ...(payload !== undefined && { payload: payload as object }),
    });
    const answer = answerOf(response);
    this.#requireDocumented(String(method), url.startsWith('/') ? url : `/api/v1/${url}`, answer);
    return answer;
  }

  /** Whatever error a route answers with has to be among those that OpenAPI says of it. */
  #requireDocumented(method: string, url: string, { status, code }: Answer): void {
    if (code === undefined) return;
    const [path = ''] = url.split('?');
    for (const [template, operations] of Object.entries(this.app.swagger().paths ?? {})) {
      if (!new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path)) continue;
      const responses = (operations as Record<string, { responses: Record<string, { description: string }> }>)[
        method.toLowerCase()
      ]?.responses;
      if (responses === undefined || responses[status]?.description.includes(`\`${code}\``) === true) continue;
      throw new Error(`${method} ${template} answers ${status} ${code}, which its documentation does not say`);
    }
  }

  /** What Prometheus reads. */
  async scrape(): Promise<string> {
    return (await this.internal.inject('/metrics')).body;
  }

  /** An agent that has connected, and its connection's id. */
  async agent(id: string, hello: Parameters<typeof claim>[1] = {}): Promise<string> {
    const connectionId = `conn-${id}`;
    await this.store.agents.claim(claim({ agentId: id, connectionId }, hello));
    return connectionId;
  }

  async stop(): Promise<void> {
    await this.app.close();
    await this.store.close();
  }
}

/** What came back: status, headers and JSON. `code` is the error's. */
export interface Answer {
  status: number;
  headers: LightMyRequestResponse['headers'];
  // eslint-disable-next-line typescript/no-explicit-any -- whatever the hub said: tests look into it
  body: any;
  code: string | undefined;
  message: string;
}

function answerOf(response: LightMyRequestResponse): Answer {
  const isJson = String(response.headers['content-type']).startsWith('application/json');
  const body = isJson ? response.json() : response.body;
  return {
    status: response.statusCode,
    headers: response.headers,
    body,
    code: body?.error?.code,
    message: body?.error?.message ?? '',
  };
}
