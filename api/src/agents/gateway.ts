import type { Server } from 'node:http';
import { StreamSpaceError } from '@streamspace/protocol';
import type { FastifyInstance } from 'fastify';
import type { WebSocket } from 'ws';
import { CommandDispatcher } from '../commands/dispatcher.ts';
import { Graveyard } from '../commands/graveyard.ts';
import { linkMetrics } from '../link-metrics.ts';
import { viewerGateway } from '../tunnel/viewers.ts';
import { upgradeRouter } from '../upgrade.ts';
import { inbox } from './inbox.ts';
import { watchLiveness } from './liveness.ts';
import type { AgentGateway, LinkDeps } from './ports.ts';
import { reception } from './reception.ts';
import { Roster } from './roster.ts';
import { Rotations } from './rotation.ts';
import { tolerant } from './tolerant.ts';

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
  /** What is open now. */
  readonly counts: { links: number; handshakes: number; streams: number; viewers: number };
}

/** The agents' and viewers' side of the hub. Begins its own timers; `stop` ends them. */
export function agentGateway(given: LinkDeps): LinkGateway {
  const { clock, log, config } = given;
  const deps = { ...given, publish: tolerant(given.publish, log) };
  const stopping = new AbortController();
  const roster = new Roster();
  const counters = linkMetrics(deps.metrics, {
    links: () => roster.counts.links,
    streams: () => roster.counts.streams,
    commands: () => dispatcher.inFlight,
  });
  const dispatcher = new CommandDispatcher({ ...deps, metrics: counters, commandTimeoutMs: config.commandTimeoutMs });
  const rotations = new Rotations(deps);
  const agents = reception({
    ...deps,
    roster,
    counters,
    dispatcher,
    receive: inbox({ ...deps, dispatcher, rotations }),
  });
  const viewers = viewerGateway({ ...deps, metrics: counters, holder: (agentId) => roster.get(agentId) });
  let router: { stop: () => void } | undefined;

  const running = [
    dispatcher.run(stopping.signal),
    watchLiveness(clock, config.heartbeatMs, () => roster.live, stopping.signal),
    new Graveyard(deps).run(stopping.signal),
  ];

  const gateway: LinkGateway = {
    dispatcher,
    take: agents.take,
    get counts() {
      return { ...roster.counts, viewers: viewers.size };
    },
    connected: (agentId) => roster.get(agentId) !== undefined,
    close: (agentId, error) => roster.end(agentId, error),
    async rotate(agentId) {
      const link = roster.get(agentId);
      if (link === undefined) {
        const remedy = 'its credential can be rotated when it is';
        throw new StreamSpaceError('agent_offline', `agent ${agentId} is not connected; ${remedy}`);
      }
      await rotations.rotate(link);
    },
    attach(server) {
      router = upgradeRouter({ clock, log, agent: agents.serve, viewer: viewers.serve }, server);
    },
    register(app: FastifyInstance) {
      gateway.attach(app.server);
      app.addHook('preClose', () => gateway.stop());
    },
    async drain(signal) {
      agents.close();
      viewers.refuseNew();
      const gone = new StreamSpaceError('going_away', 'this hub is about to stop; connect again');
      roster.endArriving(gone);
      for (const link of roster.live) {
        const reconnect_after_ms = Math.floor((deps.randomBytes(1)[0]! / 256) * SPREAD_MS);
        // version 1 doesn't know the message [VER2]
        const told = link.version >= 2 && link.tell({ type: 'go_away', reason: gone.message, reconnect_after_ms });
        if (!told) link.end(gone);
      }
      await roster.empty(signal);
      roster.endAll(gone);
      await roster.settled();
    },
    async stop() {
      agents.close();
      stopping.abort(new StreamSpaceError('going_away', 'the hub stops'));
      roster.endAll(new StreamSpaceError('going_away', 'the hub stops; connect again'));
      viewers.stop();
      router?.stop();
      await Promise.all([...running, roster.settled()]);
    },
  };
  return gateway;
}
