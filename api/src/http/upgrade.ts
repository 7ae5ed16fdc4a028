import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { asStreamSpaceError, PATHS, StreamSpaceError } from '@streamspace/protocol';
import { type Clock, withDeadline } from 'clock-port';
import type { FastifyBaseLogger } from 'fastify';
import type { WebSocket, WebSocketServer } from 'ws';
import { withoutBasePath } from './base-path.ts';

/** Milliseconds from the request's headers to the decision. */
const DECIDE_MS = 10_000;
/** Milliseconds for a refused client to take its answer. */
const ANSWER_MS = 2_000;
/** Seconds after which a client that was sent away for now may come again. */
const RETRY_S = 2;
/** Milliseconds for the headers of a request; checked by Node every half minute. */
const HEADERS_MS = 15_000;
/** Upgrades that may wait for their decision. */
const MAX_PENDING = 4_096;

/** With a session's id, which is bounded, as what is said about it is then. */
const VIEWER = /^\/api\/v1\/sessions\/([a-z0-9-]{1,63})\/vnc$/;
const PEER = /^\/internal\/v1\/sessions\/([a-z0-9-]{1,63})\/screen$/;

/** One request for an upgrade, not decided yet. */
export interface Upgrade {
  readonly request: IncomingMessage;
  readonly url: URL;
  /** Makes it a WebSocket; `opened` is called at once, in the same turn, unless the client has gone or sent a broken handshake. */
  accept(wss: WebSocketServer, opened: (ws: WebSocket) => void): void;
}

export interface UpgradeRoutes {
  readonly clock: Clock;
  readonly log: FastifyBaseLogger;
  /** Serves the upgrade if its path is one of this server's; undefined: it is not. Throws the refusal. */
  readonly serve: (upgrade: Upgrade) => Promise<void> | undefined;
  /** What a client is told that asks for another path. */
  readonly elsewhere: string;
}

/** What comes from outside. */
export function publicUpgrades(to: {
  /** GET /api/v1/agent/connect. Throws the refusal. */
  readonly agent: (upgrade: Upgrade) => Promise<void>;
  /** GET /api/v1/sessions/:id/vnc. Throws the refusal. */
  readonly viewer: (upgrade: Upgrade, sessionId: string) => Promise<void>;
  /** Path under which the hub is reached, too; empty: none. */
  readonly basePath: string;
}): Pick<UpgradeRoutes, 'serve' | 'elsewhere'> {
  return {
    serve(upgrade) {
      const pathname = withoutBasePath(to.basePath, upgrade.url.pathname);
      if (pathname === PATHS.connect) return to.agent(upgrade);
      const session = VIEWER.exec(pathname)?.[1];
      return session === undefined ? undefined : to.viewer(upgrade, session);
    },
    elsewhere: `agents connect at ${PATHS.connect}, viewers at /api/v1/sessions/:id/vnc`,
  };
}

/** What comes from other replicas of the hub: on a port of its own. */
export function internalUpgrades(
  /** GET /internal/v1/sessions/:id/screen. Throws the refusal. */
  screen: (upgrade: Upgrade, sessionId: string) => void,
): Pick<UpgradeRoutes, 'serve' | 'elsewhere'> {
  return {
    serve(upgrade) {
      const session = PEER.exec(upgrade.url.pathname)?.[1];
      return session === undefined ? undefined : Promise.resolve(screen(upgrade, session));
    },
    elsewhere: 'this port is for other hub replicas; agents and viewers use PORT',
  };
}

/**
 * The one place that decides about a server's upgrades. A refusal is an ordinary HTTP answer with the JSON error; no WebSocket exists before
 * the client is known. The result ends those that are not decided yet.
 */
export function upgradeRouter(routes: UpgradeRoutes, server: Server): { stop: () => void } {
  const pending = new Set<Duplex>();

  const route = async (upgrade: Upgrade): Promise<void> => {
    if (upgrade.request.headers.upgrade?.toLowerCase() !== 'websocket')
      throw new StreamSpaceError('invalid_request', 'the only upgrade here is to websocket');
    const served = routes.serve(upgrade);
    if (served === undefined) throw new StreamSpaceError('not_found', `no WebSocket here: ${routes.elsewhere}`);
    return served;
  };

  const decide = async (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    if (pending.size >= MAX_PENDING)
      throw new StreamSpaceError('at_capacity', 'too many connections at once; try again');
    const url = parse(request.url);
    if (url === undefined) throw new StreamSpaceError('invalid_request', 'the request target is no path');
    pending.add(socket);
    try {
      await withDeadline(routes.clock, DECIDE_MS, 'the decision about an upgrade', undefined, (signal) =>
        route({
          request,
          url,
          accept(wss, opened) {
            // the answer has been given, or nobody is there to take one
            if (signal.aborted || socket.destroyed) return;
            wss.handleUpgrade(request, socket, head, (ws) => {
              socket.off('error', ignore);
              opened(ws);
            });
          },
        }),
      );
    } finally {
      pending.delete(socket);
    }
  };

  server.headersTimeout = HEADERS_MS;
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', ignore);
    (socket as Socket).setNoDelay?.(true);
    decide(request, socket, head).catch((error: unknown) => {
      const refusal = asStreamSpaceError(error, 'store_unavailable');
      if (!(error instanceof StreamSpaceError)) routes.log.warn({ err: error }, 'Upgrade failed');
      answer(routes.clock, socket, refusal);
    });
  });

  return {
    stop: () => {
      for (const socket of pending) socket.destroy();
    },
  };
}

// A socket without a listener for errors would take the process with it; what it does is end the connection, and that is all.
function ignore(): void {}

function parse(target: string | undefined): URL | undefined {
  try {
    return new URL(target ?? '', 'http://hub');
  } catch {
    return undefined;
  }
}

function answer(clock: Clock, socket: Duplex, error: StreamSpaceError): void {
  if (socket.destroyed) return;
  const { retry_after_ms: waitMs } = error.details;
  const wait = typeof waitMs === 'number' ? Math.ceil(waitMs / 1_000) : error.http === 503 ? RETRY_S : undefined;
  const body = JSON.stringify({ error: error.toJSON() });
  const head = [
    `HTTP/1.1 ${error.http} ${STATUS_CODES[error.http] ?? 'Refused'}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Cache-Control: no-store',
    'Connection: close',
    ...(wait === undefined ? [] : [`Retry-After: ${wait}`]),
    ...(error.http === 401 ? ['WWW-Authenticate: Bearer'] : []),
  ];
  const timer = clock.setTimeout(() => socket.destroy(), ANSWER_MS);
  socket.once('close', () => timer.cancel());
  // reads on, so that the end of the other side is seen, and takes nothing in
  socket.resume();
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
