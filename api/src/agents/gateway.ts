import { setMaxListeners } from 'node:events';
import type { Server } from 'node:http';
import { StreamSpaceError } from '@streamspace/protocol';
import { pause } from 'clock-port';
import type { FastifyInstance } from 'fastify';
import type { WebSocket } from 'ws';
import { CommandDispatcher } from '../commands/dispatcher.ts';
import { Graveyard } from '../sessions/graveyard.ts';
import { basePathOf } from '../http/base-path.ts';
import { linkMetrics } from './link/metrics.ts';
import { Peers } from '../peers/client.ts';
import { pictureFrom } from '../peers/picture.ts';
import { PeerGuard } from '../peers/credential.ts';
import { peerRoutes } from '../peers/routes.ts';
import { SessionProofs } from '../sessions/proof.ts';
import { viewerGateway } from '../tunnel/viewers.ts';
import { internalUpgrades, publicUpgrades, upgradeRouter } from '../http/upgrade.ts';
import { census } from './fleet/census.ts';
import { watchCredentials } from './fleet/credential-watch.ts';
import { BEGIN_MS, sendElsewhere } from './fleet/drain.ts';
import { stayAwake } from './reports/idle-report.ts';
import { inbox } from './reports/inbox.ts';
import { watchLiveness } from './link/liveness.ts';
import type { AgentGateway, LinkDeps } from './ports.ts';
import { reclaim } from './fleet/reclaim.ts';
import { relearn } from './fleet/relearn.ts';
import { reception } from './door/reception.ts';
import { Roster } from './fleet/roster.ts';
import { Rotations } from './fleet/rotation.ts';
import { SessionPictures } from './reports/session-pictures.ts';
import { tolerant } from './tolerant.ts';

/** Milliseconds for another replica to give an agent a new credential; that replica waits half a minute itself. */
const ROTATE_PEER_MS = 32_000;

export interface LinkGateway extends AgentGateway {
  /** Serves the upgrades of agents and viewers, and on `internal` those of other replicas; any other upgrade gets 404. */
  attach(server: Server, internal: Server): void;
  /** Begins the handshake on an open WebSocket whose other end has authenticated as that agent. */
  take(ws: WebSocket, agentId: string): void;
  /**
   * Accepts no new connection and asks every agent to go elsewhere [CON8]; resolves when all have gone, or when the signal aborts: remaining
   * ones are closed then. Viewers are told to connect again as soon as this hub can no longer serve them.
   */
  drain(signal: AbortSignal): Promise<void>;
  /** Ends every link, viewer and timer. Resolves when the pending store work of the links is done. */
  stop(): Promise<void>;
  /** Numbers of open objects. */
  readonly counts: { links: number; handshakes: number; streams: number; viewers: number };
}

/** The hub's gateway for agents and viewers. Begins its own timers; `stop` ends them. */
export function agentGateway(given: LinkDeps): LinkGateway {
  const { clock, log, config, store, hub } = given;
  const deps = { ...given, publish: tolerant(given.publish, clock, log) };
  const stopping = new AbortController();
  // each part has a permanent listener, and some add more while they wait: more than ten, but always about the same number
  setMaxListeners(50, stopping.signal);
  const roster = new Roster();
  let draining = false;
  const counters = linkMetrics(deps.metrics, {
    links: () => roster.counts.links,
    handshakes: () => roster.counts.handshakes,
    streams: () => roster.counts.streams,
    relays: () => viewers.relays,
    commands: () => dispatcher.inFlight,
    unsettled: () => dispatcher.unsettled,
    queued: () => roster.queued,
    draining: () => draining,
  });
  // during the rotation of a secret, replicas that do not have the new one yet accept only the former one
  const peers = new Peers({ ...deps, metrics: counters, secret: config.peerSecrets.at(-1) });
  const guard = new PeerGuard(config.peerSecrets, hub);
  const proofs = new SessionProofs(config.sessionKeys);
  const dispatcher = new CommandDispatcher({
    ...deps,
    metrics: counters,
    commandTimeoutMs: config.commandTimeoutMs,
    proofs,
  });
  const rotations = new Rotations(deps);
  const pictures = new SessionPictures(deps);
  const agents = reception({
    ...deps,
    roster,
    counters,
    dispatcher,
    peers,
    stopping: stopping.signal,
    receive: inbox({
      ...deps,
      counters,
      dispatcher,
      proofs,
      rotations,
      pictures,
      reclaim: (link) => reclaim({ ...deps, counters, dispatcher }, link),
    }),
  });
  const holder = (agentId: string) => roster.get(agentId);
  const viewers = viewerGateway({ ...deps, metrics: counters, peers, guard, holder });
  let routers: readonly { stop: () => void }[] = [];

  const running = [
    dispatcher.run(stopping.signal),
    watchLiveness(clock, config, () => roster.live, stopping.signal),
    watchCredentials({ ...deps, counters, heartbeatMs: config.heartbeatMs }, () => roster.live, stopping.signal),
    new Graveyard(deps).run(stopping.signal),
    relearn({ ...deps, dispatcher }, () => roster.live, stopping.signal),
    census({ ...deps, heartbeatMs: config.heartbeatMs, holds: (id) => roster.get(id)?.connectionId }, stopping.signal),
  ];

  /** The other replica that holds the agent, if there is one. */
  const elsewhere = async (agentId: string): Promise<string | undefined> => {
    const record = await store.agents.get(agentId);
    const at = record?.connected === true && record.hub !== null && record.hub !== hub ? record.hub : undefined;
    counters.lookups.inc({ found: at === undefined ? 'offline' : 'peer' });
    return at;
  };

  const gateway: LinkGateway = {
    dispatcher,
    take: agents.take,
    get draining() {
      return draining;
    },
    get counts() {
      return { ...roster.counts, viewers: viewers.size };
    },
    async close(agentId, error) {
      roster.end(agentId, error);
      const at = await elsewhere(agentId);
      if (at !== undefined) peers.tell(at, 'close', { agent: agentId, reason: error.message });
    },
    async rotate(agentId) {
      const link = roster.get(agentId);
      if (link !== undefined) return rotations.rotate(link);
      const at = await elsewhere(agentId);
      if (at === undefined) {
        const remedy = 'its credential can be rotated when it is';
        throw new StreamSpaceError('agent_offline', `agent ${agentId} is not connected; ${remedy}`);
      }
      await peers.ask(at, 'rotate', { agent: agentId }, ROTATE_PEER_MS);
    },
    async stayAwake(agentId, sessionId) {
      const link = roster.get(agentId);
      if (link !== undefined) return stayAwake(link, sessionId);
      const at = await elsewhere(agentId);
      if (at === undefined)
        throw new StreamSpaceError(
          'agent_offline',
          `agent ${agentId} is not connected, and hibernates no session until then`,
        );
      await peers.ask(at, 'awake', { agent: agentId, session: sessionId });
    },
    async picture(agentId, sessionId) {
      const link = roster.get(agentId);
      if (link !== undefined) return pictures.of(link, sessionId);
      const at = await elsewhere(agentId);
      return at === undefined ? pictures.last(sessionId) : pictureFrom(peers, at, agentId, sessionId);
    },
    attach(server, internal) {
      const outside = publicUpgrades({
        agent: agents.serve,
        viewer: viewers.serve,
        basePath: basePathOf(config.publicUrl),
      });
      routers = [
        upgradeRouter({ clock, log, ...outside }, server),
        upgradeRouter({ clock, log, ...internalUpgrades(viewers.servePeer) }, internal),
      ];
    },
    register(app: FastifyInstance, internal: FastifyInstance) {
      gateway.attach(app.server, internal.server);
      peerRoutes(internal, { guard, clock, roster, rotations, pictures, draining: () => draining });
      app.addHook('preClose', () => gateway.stop());
    },
    async drain(signal) {
      draining = true;
      agents.close();
      viewers.refuse();
      const begin = viewers.relays === 0 ? undefined : pause(clock, BEGIN_MS, signal);
      await Promise.all([
        sendElsewhere({ ...deps, roster, reception: agents }, signal),
        begin?.then(() => viewers.sendElsewhere()),
      ]);
      roster.endAll(new StreamSpaceError('going_away', 'this hub is about to stop; connect again'));
      await roster.settled();
    },
    async stop() {
      draining = true;
      agents.close();
      // the links' messages are stored first, if the store is available
      roster.endAll(new StreamSpaceError('going_away', 'the hub stops; connect again'));
      stopping.abort(new StreamSpaceError('going_away', 'the hub stops'));
      viewers.stop();
      for (const router of routers) router.stop();
      await Promise.all([...running, roster.settled()]);
    },
  };
  return gateway;
}
