import { connect as connectTcp, type Socket } from 'node:net';
import { buildConnector } from 'undici';

/** Failures of connections that had received bytes before. */
const failedLater = new WeakSet<Error>();

export interface Connector {
  readonly connect: buildConnector.connector;
  /** Ends the connection attempts in progress, which the end of a pool would leave until their time-out. */
  readonly giveUp: () => void;
}

/**
 * Connections that end with a reset when a request is cancelled. After a normal close, the kernel would keep trying to deliver the written
 * bytes: when a cut network is repaired, a cancelled write would still reach the API server.
 */
export function resettingConnector(options: buildConnector.BuildOptions): Connector {
  const connector = buildConnector(options);
  const connecting = new Set<Socket>();
  const connect: buildConnector.connector = (target, callback) => {
    // plain HTTP is for a proxy on the same machine, and has no lower socket to reset
    const below =
      target.protocol === 'https:'
        ? connectTcp({ host: target.hostname, port: Number(target.port || 443), noDelay: true })
        : undefined;
    if (below !== undefined) connecting.add(below);
    connector({ ...target, ...(below && { httpSocket: below }) }, (...[error, socket]) => {
      if (below !== undefined) connecting.delete(below);
      if (error !== null) {
        below?.destroy();
        return callback(error, null);
      }
      socket.on('error', (failure) => socket.bytesRead > 0 && failedLater.add(failure));
      if (below !== undefined) resetOnDestroy(socket, below);
      callback(null, socket);
    });
  };
  const giveUp = () => {
    for (const socket of connecting) socket.destroy(new Error('closed while connecting'));
  };
  return { connect, giveUp };
}

function resetOnDestroy(socket: Socket, below: Socket): void {
  const destroy = socket.destroy.bind(socket);
  socket.destroy = (reason?: Error) => {
    // like `resetAndDestroy`, but without its wait until the written bytes are delivered, which they must not be
    if (reason !== undefined && reason !== null)
      (below as Socket & { resetAndClosing: boolean }).resetAndClosing = true;
    return destroy(reason);
  };
}

/**
 * Whether a request failed because the server closed its used and then idle connection at that moment, or because its pool was closed: in both
 * cases the server knows nothing of the request.
 */
export function closedWhileIdle(error: unknown): boolean {
  const { code, socket } = error as { code?: string; socket?: { bytesRead?: number } };
  if (code === 'UND_ERR_CLOSED') return true;
  if (code === 'UND_ERR_SOCKET') return (socket?.bytesRead ?? 0) > 0;
  return code === 'ECONNRESET' && failedLater.has(error as Error);
}
