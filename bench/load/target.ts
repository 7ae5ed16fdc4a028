// The bench's stand-in for sessions' screens: TCP servers on loopback, or at the address TARGET_HOST. Prints their ports as one line of JSON.
import { createServer, type Server, type Socket } from 'node:net';

const HOST = process.env.TARGET_HOST ?? '127.0.0.1';
const CHUNK = Buffer.alloc(64 * 1024, 0x55);

function listen(onSocket: (socket: Socket) => void): Promise<number> {
  const server: Server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    onSocket(socket);
  });
  return new Promise((resolve) => server.listen(0, HOST, () => resolve((server.address() as { port: number }).port)));
}

const echo = await listen((socket) => socket.pipe(socket));

/** As fast as the other side reads. */
const flood = await listen((socket) => {
  const fill = () => {
    while (!socket.destroyed && socket.write(CHUNK));
  };
  socket.on('drain', fill);
  socket.resume();
  fill();
});

/** 8 MiB/s: a busy screen. */
const busy = await listen((socket) => {
  const timer = setInterval(() => socket.writableLength < 1024 * 1024 && socket.write(CHUNK), 1000 / 128);
  socket.on('close', () => clearInterval(timer));
  socket.resume();
});

process.stdout.write(`${JSON.stringify({ echo, flood, busy })}\n`);
process.on('SIGTERM', () => process.exit(0));
