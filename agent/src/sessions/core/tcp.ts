import { createConnection, type Socket } from 'node:net';

/** A TCP connection; rejects when the connection fails or the signal aborts first. */
export function connectTcp(host: string, port: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    const socket = createConnection({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 });
    const settle = (done: () => void) => {
      signal.removeEventListener('abort', onAbort);
      socket.removeListener('error', onError);
      done();
    };
    const onAbort = () =>
      settle(() => {
        socket.on('error', () => undefined).destroy();
        reject(signal.reason as Error);
      });
    const onError = (error: Error) => settle(() => reject(error));
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once('error', onError);
    socket.once('connect', () => settle(() => resolve(socket)));
  });
}
