import type { Socket } from 'node:net';
import type { Clock, Timer } from 'clock-port';
import type { FastifyInstance } from 'fastify';

/** Milliseconds that requests under way have after `close`. */
const GRACE_MS = 3_000;

/**
 * Lets `close` end in time. Node closes connections that are idle after a request; browsers also open some to have them at hand and
 * say nothing on them, and those would hold the server for minutes.
 */
export function registerConnections(app: FastifyInstance, clock: Clock): void {
  const open = new Set<Socket>();
  let closing = false;
  let timer: Timer | undefined;

  app.server.on('connection', (socket: Socket) => {
    if (closing) return void socket.destroy();
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  app.addHook('preClose', async () => {
    closing = true;
    for (const socket of open) if (socket.bytesRead === 0) socket.destroy();
    timer = clock.setTimeout(() => app.server.closeAllConnections(), GRACE_MS);
  });
  app.addHook('onClose', async () => timer?.cancel());
}
