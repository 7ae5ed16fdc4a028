import { asStreamSpaceError, LIMITS, StreamSpaceError, VIEWER_SUBPROTOCOL } from '@streamspace/protocol';
import { type Clock, sleep } from 'clock-port';
import { type WebSocket, WebSocketServer } from 'ws';
import type { AgentLink } from '../agents/link.ts';
import type { LinkDeps } from '../agents/ports.ts';
import type { LinkMetrics } from '../link-metrics.ts';
import type { Upgrade } from '../upgrade.ts';
import { Viewer } from './viewer.ts';

/** Milliseconds between two pings of a viewer. */
const PING_MS = 20_000;

export interface ViewerDeps extends Pick<LinkDeps, 'store' | 'clock' | 'log' | 'originAllowed' | 'takeTicket'> {
  readonly metrics: LinkMetrics;
  /** The live link of an agent here, if there is one. */
  holder(agentId: string): AgentLink | undefined;
}

export interface ViewerGateway {
  readonly size: number;
  /** GET /api/v1/sessions/:id/vnc?ticket=… [VIEW1] */
  readonly serve: (upgrade: Upgrade, sessionId: string) => Promise<void>;
  refuseNew(): void;
  stop(): void;
}

/** Viewers' WebSockets onto streams of their session's agent. */
export function viewerGateway(deps: ViewerDeps): ViewerGateway {
  const { clock, store, metrics } = deps;
  const viewers = new Set<Viewer>();
  const stopping = new AbortController();
  let refusing = false;
  const wss = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: LIMITS.controlMessage,
    handleProtocols: (offered) => (offered.has(VIEWER_SUBPROTOCOL) ? VIEWER_SUBPROTOCOL : false),
  });
  void pingAll(clock, viewers, stopping.signal);

  const opened = (ws: WebSocket, sessionId: string, agentId: string, state: string): void => {
    // From here on a refusal is a close code: a page can read that, but not the status of a failed upgrade.
    try {
      if (state !== 'running') throw new StreamSpaceError('session_not_running', `session ${sessionId} is ${state}`);
      const link = deps.holder(agentId);
      if (link === undefined)
        throw new StreamSpaceError('agent_offline', `agent ${agentId} is not connected to this hub now; connect again`);
      const viewer = new Viewer(ws, clock, metrics, () => viewers.delete(viewer));
      viewers.add(viewer);
      viewer.open(link.streams, sessionId);
    } catch (error) {
      metrics.viewers.inc({ outcome: 'failed' });
      Viewer.refuse(ws, clock, asStreamSpaceError(error));
    }
  };

  return {
    get size() {
      return viewers.size;
    },
    async serve(upgrade, sessionId) {
      try {
        if (refusing) throw new StreamSpaceError('going_away', 'this hub is about to stop; connect again');
        if (!deps.originAllowed(upgrade.request)) {
          throw new StreamSpaceError(
            'origin_refused',
            `pages of ${upgrade.request.headers.origin} may not open screens here: add it to ALLOWED_ORIGINS`,
          );
        }
        await deps.takeTicket(upgrade.url.searchParams.get('ticket') ?? undefined, sessionId);
        const session = await store.sessions.get(sessionId);
        if (session === undefined) throw new StreamSpaceError('not_found', `no session ${sessionId}`);
        upgrade.accept(wss, (ws) => opened(ws, sessionId, session.agent, session.state));
      } catch (error) {
        metrics.viewers.inc({ outcome: 'refused' });
        throw error;
      }
    },
    refuseNew() {
      refusing = true;
    },
    stop() {
      refusing = true;
      stopping.abort(new StreamSpaceError('going_away', 'the hub stops'));
      for (const viewer of viewers) viewer.close(new StreamSpaceError('going_away', 'the hub stops; connect again'));
    },
  };
}

async function pingAll(clock: Clock, viewers: Iterable<Viewer>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sleep(clock, PING_MS, signal).catch(() => undefined);
    if (!signal.aborted) for (const viewer of viewers) viewer.check();
  }
}
