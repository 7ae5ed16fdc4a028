import { createConnection, type Socket } from 'node:net';
import { outcomeOf } from 'clock-port';

/** A TCP connection; rejects when the connection fails or the signal aborts first. */
export function connectTcp(host: string, port: number, signal: AbortSignal): Promise<Socket> {
  return connected(signal, () =>
    createConnection({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 }),
  );
}

/** A connection to a Unix socket; rejects with the system's error, or the signal's reason. */
export function connectSocket(path: string, signal: AbortSignal): Promise<Socket> {
  return connected(signal, () => createConnection({ path, allowHalfOpen: true }));
}

async function connected(signal: AbortSignal, open: () => Socket): Promise<Socket> {
  signal.throwIfAborted();
  const socket = open();
  try {
    await outcomeOf(signal, (resolve, reject) => {
      const onConnect = () => resolve();
      socket.once('connect', onConnect).once('error', reject);
      return () => socket.off('connect', onConnect).off('error', reject);
    });
    return socket;
  } catch (error) {
    socket.on('error', () => undefined).destroy();
    throw error;
  }
}
