import { createConnection, createServer, type Server, type Socket } from 'node:net';

/** Most viewers of one screen at once; the hub has its own, lower bounds. */
const CONNECTIONS = 256;

/**
 * Relays connections from an inherited listening socket to a socket inside this sandbox. So no process outside ever follows a path that the
 * session could have replaced by a link to another socket.
 */
export function relayViewers(descriptor: number, screen: string, log: (message: string) => void): Server {
  const server = createServer({ allowHalfOpen: true }, (viewer) => join(viewer, screen));
  server.maxConnections = CONNECTIONS;
  server.on('error', (error) => log(`viewers: ${error.message}`));
  server.listen({ fd: descriptor });
  return server;
}

function join(viewer: Socket, path: string): void {
  const screen = createConnection({ path, allowHalfOpen: true });
  for (const [one, other] of [
    [viewer, screen],
    [screen, viewer],
  ] as const) {
    one.pipe(other);
    one.on('error', () => other.destroy());
    one.on('close', () => other.destroy());
  }
}
