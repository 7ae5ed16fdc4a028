import { connect as connectTcp, type Socket } from 'node:net';
import { buildConnector } from 'undici';

/** Failures of connections that had served a request before. */
const failedLater = new WeakSet<Error>();

export interface Connector {
  readonly connect: buildConnector.connector;
  /** Ends the attempts under way, which a pool's end would leave until their time-out. */
  readonly giveUp: () => void;
}

/**
 * Connections that end with a reset when a request is given up. Closed as usual, the kernel would go on trying to deliver what was written:
 * after a cut network is mended, a write that nobody waits for any more would still reach the API server.
 */
export function resettingConnector(options: buildConnector.BuildOptions): Connector {
  const connector = buildConnector(options);
  const connecting = new Set<Socket>();
  const connect: buildConnector.connector = (target, callback) => {
    // over plain HTTP, which is for a proxy on the same machine, there is nothing below the socket to reset
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
    // as `resetAndDestroy` does, which first waits for what was written: that is what must not be delivered
    if (reason !== undefined && reason !== null)
      (below as Socket & { resetAndClosing: boolean }).resetAndClosing = true;
    return destroy(reason);
  };
}

/**
 * Whether a request failed because the server closed its connection, used before and idle since, at that moment, or because its pool was
 * closed: the server knows nothing of the request then.
 */
export function closedWhileIdle(error: unknown): boolean {
  const { code, socket } = error as { code?: string; socket?: { bytesRead?: number } };
  if (code === 'UND_ERR_CLOSED') return true;
  if (code === 'UND_ERR_SOCKET') return (socket?.bytesRead ?? 0) > 0;
  return code === 'ECONNRESET' && failedLater.has(error as Error);
}
