// A session's screen in the soak: says what it was asked for, takes what it was promised, and then tells the hashes of both. Prints its port.
import { createHash } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import { HEADER, Keystream, readHeader } from './keystream.ts';

const CHUNK = 64 * 1024;
/** Some chunks are followed by a silence of up to so many milliseconds. */
const STALL = { chance: 0.002, ms: 200 };

async function serve(socket: Socket): Promise<void> {
  const sent = createHash('sha256');
  const taken = createHash('sha256');
  let head: Buffer = Buffer.alloc(0);
  let left = 0;
  let allTaken!: () => void;
  const done = new Promise<void>((resolve) => (allTaken = resolve));
  const header = new Promise<ReturnType<typeof readHeader>>((resolve) => {
    socket.on('data', (data) => {
      let rest = data as Buffer;
      if (head.length < HEADER) {
        const missing = HEADER - head.length;
        head = Buffer.concat([head, rest.subarray(0, missing)]);
        rest = rest.subarray(missing);
        if (head.length < HEADER) return;
        const read = readHeader(head);
        left = read.up;
        resolve(read);
      }
      taken.update(rest);
      left -= rest.length;
      if (left <= 0) allTaken();
    });
  });
  const { seed, down } = await header;
  const keystream = new Keystream(seed);
  for (let at = 0; at < down && !socket.destroyed;) {
    const chunk = keystream.next(Math.min(CHUNK, down - at));
    at += chunk.length;
    sent.update(chunk);
    if (!socket.write(chunk))
      await new Promise<void>((resolve) => {
        socket.once('drain', resolve);
        socket.once('close', () => resolve());
      });
    if (Math.random() < STALL.chance) await new Promise((resolve) => setTimeout(resolve, Math.random() * STALL.ms));
  }
  await done;
  socket.write(Buffer.concat([sent.digest(), taken.digest()]));
}

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => socket.destroy());
  void serve(socket);
});
server.listen(0, '127.0.0.1', () =>
  process.stdout.write(`${JSON.stringify((server.address() as { port: number }).port)}\n`),
);
process.on('SIGTERM', () => process.exit(0));
