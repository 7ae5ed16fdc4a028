import {
  asStreamSpaceError,
  LIMITS,
  SCREEN_SUBPROTOCOL,
  StreamSpaceError,
  VIEWER_SUBPROTOCOL,
} from '@streamspace/protocol';
import type { Timer } from 'clock-port';
import { type WebSocket, WebSocketServer } from 'ws';
import type { AgentLink } from '../agents/link/link.ts';
import type { LinkDeps } from '../agents/ports.ts';
import { screenNotes } from '../audit/screens.ts';
import { Failures } from '../auth/failures.ts';
import { foreignOrigin } from '../auth/origins.ts';
import type { LinkMetrics } from '../agents/link/metrics.ts';
import type { Peers } from '../peers/client.ts';
import type { PeerGuard } from '../peers/credential.ts';
import type { Upgrade } from '../http/upgrade.ts';
import type { SignInKey } from '../store/store.ts';
import { PRESENCE_LOOK_MS } from './presence.ts';
import { Relay } from './relay.ts';
import { Steering } from './steering.ts';
import { Successions, type ViewerName, viewerOf } from './successions.ts';
import { every, tokenExpired, whenItIs } from './timers.ts';
import { Viewer } from './viewer.ts';

/** Milliseconds for another replica to accept a screen. */
const PEER_OPEN_MS = 3_000;
/** Invalid tickets from one address for one session: this many at once, then one per interval in milliseconds. */
const GUESSES = { burst: 20, everyMs: 3_000 };

/** How long a screen may last: `expires`, or as long as the sign-in; and while the user is not disabled. Without a user another replica sees to that. */
type Until = Readonly<{ user?: string; expires?: number | undefined; signIn?: SignInKey | undefined }>;

export interface ViewerDeps extends Pick<
  LinkDeps,
  'store' | 'clock' | 'log' | 'clients' | 'originAllowed' | 'takeTicket' | 'watch' | 'hub' | 'config' | 'audit'
> {
  readonly metrics: LinkMetrics;
  readonly peers: Peers;
  readonly guard: PeerGuard;
  /** The live link of an agent here, if there is one. */
  holder(agentId: string): AgentLink | undefined;
}

export interface ViewerGateway {
  readonly size: number;
  /** Number of viewers whose agent is connected to another replica. */
  readonly relays: number;
  /** GET /api/v1/sessions/:id/vnc?ticket=… [VIEW1] */
  readonly serve: (upgrade: Upgrade, sessionId: string) => Promise<void>;
  /** GET /internal/v1/sessions/:id/screen: from another replica, for its viewer. */
  readonly servePeer: (upgrade: Upgrade, sessionId: string) => void;
  /** Refuses new viewers. Present ones are sent away when their agent has moved. */
  refuse(): void;
  /** Sends away all viewers that do not need this replica. */
  sendElsewhere(): void;
  stop(): void;
}

/** Connects viewers' WebSockets to streams of their session's agent, at whichever hub replica it is connected. */
export function viewerGateway(deps: ViewerDeps): ViewerGateway {
  const { clock, store, metrics, hub } = deps;
  const viewers = new Set<Viewer>();
  const relays = new Set<Relay>();
  const successions = new Successions();
  const steering = new Steering();
  const stopping = new AbortController();
  const guesses = new Failures(clock, deps.clients, GUESSES);
  let refusing = false;
  const wss = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: LIMITS.controlMessage,
    handleProtocols: (offered) => [SCREEN_SUBPROTOCOL, VIEWER_SUBPROTOCOL].find((one) => offered.has(one)) ?? false,
  });
  void every(clock, PRESENCE_LOOK_MS, stopping.signal, () => {
    for (const viewer of viewers) viewer.check();
    for (const relay of relays) relay.check();
  });
  const { pingMs } = deps.config;
  void every(clock, pingMs, stopping.signal, () => {
    for (const viewer of viewers) viewer.beat();
  });
  void every(clock, pingMs / 4, stopping.signal, () => {
    for (const relay of relays) relay.checkPeer(pingMs);
  });

  const goingAway = () => new StreamSpaceError('going_away', 'this hub is about to stop; connect again');
  const offline = (agentId: string) =>
    new StreamSpaceError('agent_offline', `agent ${agentId} is not connected to the hub now; connect again`);

  /** Closes a screen with the token or the sign-in that opened it. */
  const endOf = (until: Until, close: (why: StreamSpaceError) => void): Timer => {
    const { user, signIn, expires } = until;
    const expiry = whenItIs(clock, signIn === undefined ? expires : undefined, () => close(tokenExpired()));
    const followed = user === undefined ? undefined : deps.watch.follow({ user, signIn, expires }, close);
    return {
      cancel: () => {
        expiry.cancel();
        followed?.cancel();
      },
    };
  };

  const view = (
    ws: WebSocket,
    link: AgentLink,
    about: {
      session: string;
      name: ViewerName | undefined;
      peer: boolean;
      until: Until;
      steer: string | null;
    },
  ): void => {
    const { session, name, peer, until, steer } = about;
    const viewer = new Viewer(ws, {
      clock,
      metrics,
      peer,
      // the agent has moved to another replica: its viewer has to follow at once
      explain: (error) => (refusing && error.code === 'agent_offline' ? goingAway() : error),
      closed: () => {
        end.cancel();
        viewers.delete(viewer);
        if (name !== undefined) successions.leave(name, viewer);
      },
    });
    const end = endOf(until, (why) => viewer.close(why));
    viewers.add(viewer);
    if (name !== undefined) successions.take(name, viewer);
    viewer.seat = steering.join(session, steer, (text) => viewer.tell(text));
    viewer.open(link.streams, session);
  };

  const relay = (
    ws: WebSocket,
    holder: string,
    about: { agent: string; session: string; user: string; viewer?: string },
    until: Until,
    steer: string | null,
  ): void => {
    // a sign-in may be prolonged: this replica sees its end, and closes the screen at both
    const last = until.signIn === undefined && until.expires !== undefined ? { until: until.expires } : {};
    const peer = deps.peers.screen(holder, { ...about, ...last }, steer);
    const made = new Relay(ws, peer, {
      clock,
      metrics,
      agent: about.agent,
      hub: holder,
      openMs: PEER_OPEN_MS,
      closed: () => {
        end.cancel();
        relays.delete(made);
      },
    });
    const end = endOf(until, (why) => made.close(why));
    relays.add(made);
  };

  /** The agent is connected again: viewers that wait for its former replica, which died, need not wait any longer. */
  const moved = async (agent: string): Promise<void> => {
    const waiting = [...relays].filter((each) => each.agent === agent && each.waitsFor !== undefined);
    if (waiting.length === 0) return;
    const record = await store.agents.get(agent);
    for (const each of waiting)
      if (each.waitsFor !== undefined && each.waitsFor !== record?.hub) each.close(offline(agent));
  };
  store.events.subscribe(({ type, agent }) => {
    // without the store, they wait until their time-out
    if (type === 'agent.registered' && agent !== null) moved(agent).catch(() => undefined);
  }, stopping.signal);

  /** Reports a refusal on an open WebSocket as a close code: a page can read that, but not the status of a failed upgrade. */
  const closing = (ws: WebSocket, open: () => void): void => {
    try {
      open();
    } catch (error) {
      metrics.viewers.inc({ outcome: 'failed' });
      Viewer.refuse(ws, clock, asStreamSpaceError(error));
    }
  };

  /** The replica that holds the agent, from one read of its record; undefined: this one, or none. */
  const holderOf = async (agentId: string): Promise<string | undefined> => {
    if (deps.holder(agentId) !== undefined) {
      metrics.lookups.inc({ found: 'here' });
      return undefined;
    }
    const record = await store.agents.get(agentId);
    const elsewhere = record?.connected === true && record.hub !== null && record.hub !== hub ? record.hub : undefined;
    metrics.lookups.inc({ found: elsewhere === undefined ? 'offline' : 'peer' });
    return elsewhere;
  };

  const take = async (upgrade: Upgrade, sessionId: string) => {
    try {
      return await deps.takeTicket(upgrade.url.searchParams.get('ticket') ?? undefined, sessionId);
    } catch (error) {
      const known = asStreamSpaceError(error);
      throw known.code === 'ticket_invalid' ? guesses.count(upgrade.request, known, sessionId) : error;
    }
  };

  return {
    get size() {
      return viewers.size + relays.size;
    },
    get relays() {
      return relays.size;
    },
    async serve(upgrade, sessionId) {
      try {
        if (refusing) throw goingAway();
        if (!deps.originAllowed(upgrade.request)) throw foreignOrigin(deps.config, upgrade.request);
        const viewer = viewerOf(upgrade.url.searchParams);
        const steer = upgrade.url.searchParams.get('steer');
        const { user, expires, signIn } = await take(upgrade, sessionId);
        const until = { user, expires, signIn };
        const session = await store.sessions.get(sessionId);
        if (session === undefined) throw new StreamSpaceError('not_found', `no session ${sessionId}`);
        const { agent, state } = session;
        const elsewhere = await holderOf(agent);
        const note = screenNotes(deps, upgrade.request, { user, session });
        if (state === 'running') await note.opens();
        upgrade.accept(wss, (ws) => {
          if (state === 'running') ws.once('close', () => note.closes());
          closing(ws, () => {
            if (state !== 'running')
              throw new StreamSpaceError('session_not_running', `session ${sessionId} is ${state}`);
            if (elsewhere !== undefined)
              return relay(
                ws,
                elsewhere,
                {
                  agent,
                  session: sessionId,
                  user,
                  ...(viewer !== undefined && { viewer }),
                },
                until,
                steer,
              );
            const link = deps.holder(agent);
            if (link === undefined) throw offline(agent);
            const name = viewer === undefined ? undefined : { session: sessionId, user, viewer };
            view(ws, link, { session: sessionId, name, peer: false, until, steer });
          });
        });
      } catch (error) {
        metrics.viewers.inc({ outcome: 'refused' });
        throw error;
      }
    },
    servePeer(upgrade, sessionId) {
      const { agent, session, user, viewer, until } = deps.guard.check(
        upgrade.request.headers.authorization,
        'screen',
        clock.now(),
      );
      if (session !== sessionId)
        throw new StreamSpaceError('unauthenticated', `the credential is for session ${session}`);
      const link = deps.holder(agent);
      // never relayed to a third replica: two replicas that each take the other for the holder would send a viewer in circles
      if (link === undefined) throw offline(agent);
      const name = user === undefined || viewer === undefined ? undefined : { session, user, viewer };
      const steer = upgrade.url.searchParams.get('steer');
      upgrade.accept(wss, (ws) =>
        closing(ws, () => view(ws, link, { session, name, peer: true, until: { expires: until }, steer })),
      );
    },
    refuse() {
      refusing = true;
    },
    sendElsewhere() {
      for (const each of relays) each.close(goingAway());
    },
    stop() {
      refusing = true;
      stopping.abort(new StreamSpaceError('going_away', 'the hub stops'));
      const gone = new StreamSpaceError('going_away', 'the hub stops; connect again');
      for (const each of [...viewers, ...relays]) each.close(gone);
    },
  };
}
