import { connect as connectTcp, type Socket } from 'node:net';
import { buildConnector } from 'undici';

/**
 * Connections that end with a reset when a request is given up. Closed as usual, the kernel would go on trying to deliver what was written:
 * after a cut network is mended, a write that nobody waits for any more would still reach the API server.
 */
export function resettingConnector(options: buildConnector.BuildOptions): buildConnector.connector {
  const connector = buildConnector(options);
  return (target, callback) => {
    // over plain HTTP, which is for a proxy on the same machine, there is nothing below the socket to reset
    if (target.protocol !== 'https:') return connector(target, callback);
    const below = connectTcp({ host: target.hostname, port: Number(target.port || 443), noDelay: true });
    connector({ ...target, httpSocket: below }, (...[error, socket]) => {
      if (error !== null) {
        below.destroy();
        return callback(error, null);
      }
      const destroy = socket.destroy.bind(socket);
      socket.destroy = (reason?: Error) => {
        // as `resetAndDestroy` does, which first waits for what was written: that is what must not be delivered
        if (reason !== undefined && reason !== null)
          (below as Socket & { resetAndClosing: boolean }).resetAndClosing = true;
        return destroy(reason);
      };
      callback(null, socket);
    });
  };
}
