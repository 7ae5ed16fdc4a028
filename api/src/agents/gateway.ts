import type { IncomingMessage, Server } from 'node:http';
import { AGENT_SUBPROTOCOL, type AgentMessageOf, LIMITS, StreamSpaceError } from '@streamspace/protocol';
import { iso } from 'clock-port';
import type { FastifyInstance } from 'fastify';
import { type WebSocket, WebSocketServer } from 'ws';
import { CommandDispatcher } from '../commands/dispatcher.ts';
import { Graveyard } from '../commands/graveyard.ts';
import { linkMetrics } from '../link-metrics.ts';
import { viewerGateway } from '../tunnel/viewers.ts';
import { type Upgrade, upgradeRouter } from '../upgrade.ts';
import { handshake, type HandshakeDeps } from './handshake.ts';
import { inbox } from './inbox.ts';
import { AgentLink, type LinkOwner } from './link.ts';
import { watchLiveness } from './liveness.ts';
import type { AgentGateway, LinkDeps } from './ports.ts';
import type { Refusal } from './refusal.ts';
import { Rotations } from './rotation.ts';
import { Throttle } from './throttle.ts';
import { tolerant } from './tolerant.ts';
import { Turns } from './turns.ts';

/** Connections of agents on one hub, welcomed or about to be. */
const MAX_LINKS = 20_000;
/** Milliseconds over which a draining hub spreads the return of its agents. */
const SPREAD_MS = 1_000;

export interface LinkGateway extends AgentGateway {
  /** Serves the upgrades of agents and viewers; everything else that asks for one gets 404. */
  attach(server: Server): void;
  /** Begins the handshake on an open WebSocket whose other end has proved to be that agent. */
  take(ws: WebSocket, agentId: string): void;
  /**
   * Takes no new connection and asks every agent to go elsewhere [CON8]; resolves when all have gone, or when the signal aborts:
   * those that are left are closed then.
   */
  drain(signal: AbortSignal): Promise<void>;
  /** Ends every link, viewer and timer. Resolves when what the links had asked of the store is stored. */
  stop(): Promise<void>;
  /** What is open now: for tests and the curious. */
  readonly counts: { links: number; handshakes: number; streams: number; viewers: number };
}

/** The agents' and viewers' side of the hub. Begins its own timers; `stop` ends them. */
export function agentGateway(given: LinkDeps): LinkGateway {
  const { clock, log, store, config } = given;
  const deps = { ...given, publish: tolerant(given.publish, log) };
  const links = new Map<string, AgentLink>();
  const pending = new Set<AgentLink>();
  const stopping = new AbortController();
  const endings = new Set<Promise<void>>();
  let draining = false;
  let router: { stop: () => void } | undefined;
  let emptied = (): void => {};

  const streams = () => [...links.values()].reduce((sum, link) => sum + link.streams.size, 0);
  const metrics = linkMetrics(deps.metrics, { links: () => links.size, streams, commands: () => dispatcher.inFlight });
  const dispatcher = new CommandDispatcher({ ...deps, metrics, commandTimeoutMs: config.commandTimeoutMs });
  const rotations = new Rotations(deps);
  const receive = inbox({ ...deps, dispatcher, rotations });
  const refusedEvents = new Throttle(clock, { burst: 5, everyMs: 10_000, keys: 10_000 });
  const viewers = viewerGateway({ ...deps, metrics, holder: (agentId) => links.get(agentId) });
  const wss = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: LIMITS.controlMessage,
    handleProtocols: () => AGENT_SUBPROTOCOL,
  });

  const running = [
    dispatcher.run(stopping.signal),
    watchLiveness(clock, config.heartbeatMs, () => links.values(), stopping.signal),
    new Graveyard(deps).run(stopping.signal),
  ];

  const release = (link: AgentLink, error: StreamSpaceError): Promise<void> =>
    new Promise((resolve) => {
      link.work.last(async () => {
        try {
          if (await store.agents.release(link.agentId, link.connectionId, iso(clock.now())))
            await deps.publish.agentDisconnected(link.agentId, error.message);
        } catch (failure) {
          log.warn({ err: failure, agent: link.agentId }, 'Agent not marked as disconnected');
        } finally {
          resolve();
        }
      });
    });

  const live: LinkOwner = {
    message: receive,
    closed(link, error) {
      dispatcher.detach(link);
      metrics.disconnects.inc({ code: error.code });
      log.info(
        { agent: link.agentId, connection: link.connectionId, code: error.code, reason: error.message },
        'Agent disconnected',
      );
      if (links.get(link.agentId) === link) links.delete(link.agentId);
      if (links.size === 0) emptied();
      const ending = release(link, error);
      endings.add(ending);
      void ending.then(() => endings.delete(ending));
    },
  };

  const accepted = (link: AgentLink, hello: AgentMessageOf<'hello'>): void => {
    pending.delete(link);
    link.owner = live;
    const old = links.get(link.agentId);
    links.set(link.agentId, link);
    if (old !== undefined) {
      // nothing that it has said and that is not stored yet may have an effect any more [CON6]
      old.work.drop();
      old.end(new StreamSpaceError('superseded', `${link.replica} was accepted with term ${link.term}`));
    }
    if (!link.open)
      return live.closed(link, new StreamSpaceError('agent_offline', 'the agent left before it was welcomed'));
    link.welcomed = true;
    link.lastHeard = clock.monotonic();
    link.tell({
      type: 'welcome',
      version: link.version,
      connection_id: link.connectionId,
      term: link.term,
      heartbeat_ms: config.heartbeatMs,
    });
    metrics.registrations.inc();
    log.info(
      {
        agent: link.agentId,
        replica: link.replica,
        term: link.term,
        connection: link.connectionId,
        build: hello.build,
      },
      'Registered agent',
    );
    link.queue(0, async () => {
      const agent = await store.agents.get(link.agentId);
      if (agent?.connection_id === link.connectionId) await deps.publish.agent('agent.registered', agent);
    });
    dispatcher.attach(link);
  };

  const refused = (link: AgentLink, hello: AgentMessageOf<'hello'>, refusal: Refusal): void => {
    const { error, remedy, term, retryAfterMs } = refusal;
    metrics.refusals.inc({ code: error.code });
    link.tell({
      type: 'refuse',
      error: error.toJSON(),
      remedy,
      retry_after_ms: retryAfterMs,
      ...(term !== undefined && { term }),
    });
    link.end(error);
    if (!refusedEvents.pass(link.agentId)) return;
    log.info(
      { agent: link.agentId, replica: hello.replica, term: hello.term, code: error.code, reason: error.message },
      'Agent refused',
    );
    void deps.publish.agentRefused(link.agentId, {
      replica: hello.replica,
      term: hello.term,
      code: error.code,
      message: `${error.message}. ${remedy}`,
    });
  };

  const handshakeDeps: HandshakeDeps = {
    store,
    clock,
    hub: deps.hub,
    heartbeatMs: config.heartbeatMs,
    turns: new Turns(16),
    holder: (agentId) => links.get(agentId),
    accepted,
    refused,
  };

  const take = (ws: WebSocket, agentId: string): void => {
    const first = handshake(handshakeDeps);
    const link = new AgentLink(
      ws,
      { agentId, connectionId: deps.randomBytes(12).toString('hex') },
      { clock, log, metrics },
      {
        message: first.message,
        closed(closing, error) {
          pending.delete(closing);
          first.closed(closing, error);
        },
      },
    );
    pending.add(link);
    first.begin(link);
  };

  const serveAgent = async (upgrade: Upgrade): Promise<void> => {
    if (draining) throw new StreamSpaceError('going_away', 'this hub is about to stop; connect again');
    if (!offers(upgrade.request, AGENT_SUBPROTOCOL)) {
      throw new StreamSpaceError(
        'invalid_request',
        `offer the WebSocket subprotocol ${AGENT_SUBPROTOCOL} (Sec-WebSocket-Protocol)`,
      );
    }
    const bearer = /^Bearer +(\S+)$/i.exec(upgrade.request.headers.authorization ?? '')?.[1];
    const agentId = await deps.authenticateAgent(bearer);
    if (links.size + pending.size >= MAX_LINKS)
      throw new StreamSpaceError('at_capacity', `this hub holds ${MAX_LINKS} connections of agents already`);
    upgrade.accept(wss, (ws) => take(ws, agentId));
  };

  const endAll = (error: StreamSpaceError): void => {
    for (const link of [...pending, ...links.values()]) link.end(error);
  };

  const gateway: LinkGateway = {
    dispatcher,
    take,
    get counts() {
      return { links: links.size, handshakes: pending.size, streams: streams(), viewers: viewers.size };
    },
    connected: (agentId) => links.has(agentId),
    async rotate(agentId) {
      const link = links.get(agentId);
      if (link === undefined)
        throw new StreamSpaceError(
          'agent_offline',
          `agent ${agentId} is not connected; its credential can be rotated when it is`,
        );
      await rotations.rotate(link);
    },
    close(agentId, error) {
      for (const link of pending) if (link.agentId === agentId) link.end(error);
      links.get(agentId)?.end(error);
    },
    attach(server) {
      router = upgradeRouter({ clock, log, agent: serveAgent, viewer: viewers.serve }, server);
    },
    register(app: FastifyInstance) {
      gateway.attach(app.server);
      app.addHook('preClose', () => gateway.stop());
    },
    async drain(signal) {
      draining = true;
      viewers.refuseNew();
      const gone = new StreamSpaceError('going_away', 'this hub is about to stop; connect again');
      for (const link of pending) link.end(gone);
      for (const link of links.values()) {
        const sent =
          link.version >= 2 &&
          link.tell({
            type: 'go_away',
            reason: gone.message,
            reconnect_after_ms: Math.floor((deps.randomBytes(1)[0]! / 256) * SPREAD_MS),
          });
        if (!sent) link.end(gone);
      }
      await new Promise<void>((resolve) => {
        emptied = resolve;
        if (links.size === 0 || signal.aborted) resolve();
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
      endAll(gone);
      await Promise.all(endings);
    },
    async stop() {
      draining = true;
      stopping.abort(new StreamSpaceError('going_away', 'the hub stops'));
      endAll(new StreamSpaceError('going_away', 'the hub stops; connect again'));
      viewers.stop();
      router?.stop();
      await Promise.all([...running, ...endings]);
    },
  };
  return gateway;
}

function offers(request: IncomingMessage, subprotocol: string): boolean {
  return (request.headers['sec-websocket-protocol'] ?? '').split(',').some((each) => each.trim() === subprotocol);
}
