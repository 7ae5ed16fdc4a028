import type { IncomingMessage } from 'node:http';
import { AGENT_SUBPROTOCOL, type AgentMessageOf, LIMITS, StreamSpaceError } from '@streamspace/protocol';
import { iso, Outage } from 'clock-port';
import { type WebSocket, WebSocketServer } from 'ws';
import type { CommandDispatcher } from '../../commands/dispatcher.ts';
import type { LinkMetrics } from '../link/metrics.ts';
import type { Peers } from '../../peers/client.ts';
import { isUnreachable } from '../../peers/client.ts';
import type { Upgrade } from '../../http/upgrade.ts';
import { revoked, stillValid } from '../../auth/agents.ts';
import { sha256Hex } from '../../auth/secrets.ts';
import { Allowances } from '../link/allowance.ts';
import { Admission } from './admission.ts';
import { handshake, type HandshakeDeps } from './handshake.ts';
import { AgentLink, type LinkOwner } from '../link/link.ts';
import type { LinkDeps } from '../ports.ts';
import type { HelloRefusal } from './refusal.ts';
import { retrying } from '../../flow/retrying.ts';
import type { Roster } from '../fleet/roster.ts';
import { Throttle } from '../../flow/throttle.ts';
import { Turns } from '../../flow/turns.ts';

/** Most connections of agents to one hub, welcomed or in the handshake. */
const MAX_LINKS = 20_000;
/** Most pings per second: with more agents than this times HUB_PING_INTERVAL, each is pinged less often. */
const PINGS_PER_SECOND = 2_000;
/** Milliseconds for another replica to ask its agent for a sign of life; that replica waits two seconds itself. */
const PROBE_PEER_MS = 3_500;
/** Most connections in the handshake. */
const MAX_HANDSHAKES = 1_000;
/** Connections of one agent id: this many at once, then one per interval in milliseconds. */
const ATTEMPTS = { burst: 30, everyMs: 1_000, keys: 20_000 };

export interface ReceptionDeps extends LinkDeps {
  readonly roster: Roster;
  readonly counters: LinkMetrics;
  readonly dispatcher: CommandDispatcher;
  readonly peers: Peers;
  /** Aborts when the hub stops. */
  readonly stopping: AbortSignal;
  /** Handles the messages of a welcomed link. */
  readonly receive: LinkOwner['message'];
}

export interface Reception {
  /** GET /api/v1/agent/connect. Throws the refusal. */
  readonly serve: (upgrade: Upgrade) => Promise<void>;
  /** Begins the handshake on an open WebSocket whose other end has authenticated as that agent. */
  readonly take: (ws: WebSocket, agentId: string, credentialHash?: string) => void;
  /** Connections that came after `close`. */
  readonly sentAway: number;
  /** From now on, every new connection is sent away. */
  readonly close: () => void;
}

type Hello = AgentMessageOf<'hello'>;

/** Admits agents, from the upgrade to their place in the roster, and cleans up after they leave. */
export function reception(deps: ReceptionDeps): Reception {
  const { clock, log, store, config, publish, roster, counters, dispatcher } = deps;
  const refusedEvents = new Throttle(clock, { burst: 5, everyMs: 10_000, keys: 10_000 });
  const attempts = new Throttle(clock, ATTEMPTS);
  const admission = new Admission(clock, { perSecond: config.handshakeRate, inProgress: MAX_HANDSHAKES });
  let open = true;
  let sentAway = 0;
  const wss = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: LIMITS.controlMessage,
    handleProtocols: () => AGENT_SUBPROTOCOL,
  });

  const unmarked = new Outage(clock, log, 'Agent not marked as disconnected');
  /** Runs after all earlier work of the link on the store. */
  const release = (link: AgentLink, error: StreamSpaceError): Promise<void> =>
    new Promise((resolve) => {
      // an agent with an invalid credential does not return by itself: no sessions are placed there
      const awaySince = error.code === 'unauthenticated' ? null : iso(clock.now());
      link.work.last(async () => {
        try {
          const released = await retrying(
            clock,
            deps.stopping,
            () => store.agents.release(link.agentId, link.connectionId, awaySince),
            () => counters.storeFailures.inc({ step: 'release' }),
          );
          if (released) await publish.agentDisconnected(link.agentId, error.message);
        } catch (failure) {
          unmarked.failed({ err: failure, agent: link.agentId });
        } finally {
          resolve();
        }
      });
    });

  const live: LinkOwner = {
    message: deps.receive,
    closed(link, error) {
      const { agentId, connectionId } = link;
      dispatcher.detach(link);
      counters.disconnects.inc({ code: error.code });
      log.info(
        { agent: agentId, connection: connectionId, code: error.code, reason: error.message },
        'Agent disconnected',
      );
      roster.remove(link, release(link, error));
    },
  };

  const accepted: HandshakeDeps['accepted'] = (link, hello, previous): void => {
    const { agentId, replica, term, connectionId } = link;
    link.owner = live;
    roster.admit(link);
    if (previous !== undefined && previous.hub !== deps.hub) {
      const reason = `${replica} was accepted with term ${term}`;
      deps.peers.tell(previous.hub, 'supersede', { agent: agentId, connection: previous.connectionId, reason });
    }
    if (!link.open)
      return live.closed(link, new StreamSpaceError('agent_offline', 'the agent left before it was welcomed'));
    link.welcomed = true;
    link.pulse.heard();
    link.pingMs = Math.max(config.pingMs, Math.ceil((roster.links / PINGS_PER_SECOND) * 1_000));
    link.tell({
      type: 'welcome',
      version: link.version,
      connection_id: connectionId,
      term,
      heartbeat_ms: config.heartbeatMs,
      ping_ms: link.pingMs,
    });
    counters.registrations.inc();
    log.info({ agent: agentId, replica, term, connection: connectionId, build: hello.build }, 'Registered agent');
    link.queue(0, async () => {
      // read after the claim: a revocation writes first and then searches for the connection, so one of the two sees the other
      const [agent, valid] = await Promise.all([store.agents.get(agentId), stillValid(store, link)]);
      if (!valid) return link.end(revoked(agentId));
      if (agent?.connection_id === connectionId) await publish.agent('agent.registered', agent);
    });
    dispatcher.attach(link);
  };

  const refused = (link: AgentLink, hello: Hello, refusal: HelloRefusal): void => {
    const { error, remedy, term, retryAfterMs: retry_after_ms } = refusal;
    const { code, message } = error;
    counters.refusals.inc({ code });
    link.tell({ type: 'refuse', error: error.toJSON(), remedy, retry_after_ms, ...(term !== undefined && { term }) });
    link.end(error);
    if (!refusedEvents.pass(link.agentId)) return;
    const about = { replica: hello.replica, term: hello.term, code };
    log.info({ agent: link.agentId, ...about, reason: message }, 'Agent refused');
    void publish.agentRefused(link.agentId, { ...about, message: `${message}. ${remedy}` });
  };

  const handshakeDeps: HandshakeDeps = {
    store,
    clock,
    hub: deps.hub,
    heartbeatMs: config.heartbeatMs,
    turns: new Turns(16),
    holder: (agentId) => roster.get(agentId),
    async probe(hub, agent, connection) {
      try {
        const answer = await deps.peers.ask(hub, 'probe', { agent, connection }, PROBE_PEER_MS);
        const { alive, leaving } = answer as { alive?: unknown; leaving?: unknown };
        return { alive: alive === true, leaving: leaving === true };
      } catch (error) {
        if (isUnreachable(error)) return { alive: false, leaving: false };
        throw error;
      }
    },
    accepted,
    refused,
  };
  const goingAway = () => new StreamSpaceError('going_away', 'this hub is about to stop; connect again');

  const allowances = new Allowances(clock);
  const take: Reception['take'] = (ws, agentId, credentialHash): void => {
    const first = handshake(handshakeDeps);
    const about = { agentId, connectionId: deps.randomBytes(12).toString('hex') };
    const link = new AgentLink(
      ws,
      about,
      { clock, log, metrics: counters, allowance: allowances.of(agentId) },
      {
        message: first.message,
        closed(closing, error) {
          roster.depart(closing);
          first.closed(closing, error);
        },
      },
    );
    link.credentialHash = credentialHash;
    roster.arrive(link);
    first.begin(link);
    if (!open) link.end(goingAway());
  };

  return {
    take,
    get sentAway() {
      return sentAway;
    },
    async serve(upgrade) {
      if (!open) {
        sentAway += 1;
        throw goingAway();
      }
      if (!offers(upgrade.request, AGENT_SUBPROTOCOL)) {
        throw new StreamSpaceError(
          'invalid_request',
          `offer the WebSocket subprotocol ${AGENT_SUBPROTOCOL} (Sec-WebSocket-Protocol)`,
        );
      }
      const bearer = /^Bearer +(\S+)$/i.exec(upgrade.request.headers.authorization ?? '')?.[1];
      // first of all: clients that can't authenticate must not use up any resource of the others
      const agentId = await deps.authenticateAgent(bearer);
      if (!attempts.pass(agentId))
        throw new StreamSpaceError('rate_limited', `agent ${agentId} connects too often: wait a little`, {
          retry_after_ms: 5_000,
        });
      try {
        admission.enter(roster.arriving);
      } catch (error) {
        counters.admissions.inc({ outcome: 'later' });
        throw error;
      }
      counters.admissions.inc({ outcome: 'admitted' });
      if (roster.size >= MAX_LINKS)
        throw new StreamSpaceError('at_capacity', `this hub already holds ${MAX_LINKS} connections of agents`);
      upgrade.accept(wss, (ws) => take(ws, agentId, bearer === undefined ? undefined : sha256Hex(bearer)));
    },
    close: () => {
      open = false;
    },
  };
}

function offers(request: IncomingMessage, subprotocol: string): boolean {
  return (request.headers['sec-websocket-protocol'] ?? '').split(',').some((each) => each.trim() === subprotocol);
}
