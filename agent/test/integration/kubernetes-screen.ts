import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';

const WIDTH = 320;
const HEIGHT = 200;

/** A screen for tests of the way to it: RFB 3.8 without authentication, one colour that changes with every key. */
export class TestScreen {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #shade = 1;

  private constructor() {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => this.#sockets.delete(socket));
      void this.#serve(socket).catch(() => socket.destroy());
    });
  }

  static async listen(host: string, port: number): Promise<TestScreen> {
    const screen = new TestScreen();
    screen.#server.listen(port, host);
    await once(screen.#server, 'listening');
    return screen;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #serve(socket: Socket): Promise<void> {
    const read = reader(socket);
    socket.write('RFB 003.008\n');
    await read(12);
    socket.write(Buffer.of(1, 1));
    await read(1);
    socket.write(Buffer.alloc(4));
    await read(1);
    const init = Buffer.alloc(24);
    init.writeUInt16BE(WIDTH, 0);
    init.writeUInt16BE(HEIGHT, 2);
    // 32 bits, depth 24, true colour, 255 each, shifts 16, 8, 0
    Buffer.from([32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0]).copy(init, 4);
    init.writeUInt32BE(4, 20);
    socket.write(Buffer.concat([init, Buffer.from('test')]));
    let sent = 0;
    let wanted = false;
    const paint = () => {
      if (!wanted || sent === this.#shade) return;
      sent = this.#shade;
      wanted = false;
      const head = Buffer.alloc(16);
      head.writeUInt16BE(1, 2);
      head.writeUInt16BE(WIDTH, 8);
      head.writeUInt16BE(HEIGHT, 10);
      socket.write(Buffer.concat([head, Buffer.alloc(WIDTH * HEIGHT * 4, sent & 0xff)]));
    };
    for (;;) {
      const type = (await read(1))[0];
      if (type === 0) await read(19);
      else if (type === 2) await read(4 * (await read(3)).readUInt16BE(1));
      else if (type === 3) {
        if ((await read(9))[0] === 0) sent = 0;
        wanted = true;
      } else if (type === 4) {
        if ((await read(7))[0] === 1) this.#shade++;
      } else if (type === 5) await read(5);
      else if (type === 6) await read((await read(7)).readUInt32BE(3));
      else throw new Error(`message ${type}`);
      paint();
    }
  }
}

function reader(socket: Socket): (size: number) => Promise<Buffer> {
  const chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let left: Buffer = Buffer.alloc(0);
  return async (size) => {
    while (left.length < size) {
      const { value, done } = await chunks.next();
      if (done === true) throw new Error('ended');
      left = Buffer.concat([left, value]);
    }
    const taken = left.subarray(0, size);
    left = left.subarray(size);
    return taken;
  };
}
