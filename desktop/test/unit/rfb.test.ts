import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { soon, type TestScreen, testScreen } from '../support/screen.ts';

describe('built-in RFB server', () => {
  let screen: TestScreen;
  beforeEach(async () => void (screen = await testScreen()));
  afterEach(() => screen.close());

  for (const minor of [3, 7, 8] as const) {
    for (const [name, encodings] of [
      ['raw', [0]],
      ['hextile', [5, 0]],
    ] as const) {
      it(`shows its picture to a viewer of RFB 3.${minor} with ${name}`, async () => {
        const client = await screen.view({ minor, encodings });
        expect(client.name).toBe('test screen');
        expect(client.serverVersion).toBe('RFB 003.008');
        expect(client.picture.pixels).toEqual(screen.frame.pixels);
        client.close();
      });
    }
  }

  it('sends only what changed, to every viewer', async () => {
    const clients = await Promise.all([screen.view(), screen.view({ encodings: [0] })]);
    const before = clients[1]!.bytesReceived;
    screen.frame.pixels[5 * 100 + 7] = 0xabcdef;
    screen.server.damage([{ x: 7, y: 5, width: 1, height: 1 }]);
    for (const client of clients) {
      await client.until(() => client.picture.at(7, 5) === 0xabcdef, soon());
      expect(client.picture.pixels).toEqual(screen.frame.pixels);
    }
    expect(clients[1]!.bytesReceived - before).toBe(4 + 12 + 4);
    for (const client of clients) client.close();
    await screen.viewers(0);
  });

  it('passes keys, pointer and clipboard on in order, and gives its clipboard', async () => {
    const client = await screen.view();
    client.key(0x61, true);
    client.pointer(3, 4, 1);
    client.cutText('héllo');
    screen.server.cutText('to you: ü €');
    await client.until(() => client.clipboard !== undefined, soon());
    expect(client.clipboard).toBe('to you: ü ?');
    await screen.inputs(3);
    expect(screen.input).toEqual(['key true 97', 'pointer 3 4 1', 'cut 5 héllo']);
    client.close();
  });

  it('gives the shape of the pointer to a viewer that wants it', async () => {
    const client = await screen.view({ encodings: [5, 0, -239] });
    await client.until(() => client.cursor !== undefined, soon());
    expect(client.cursor?.width).toBe(12);
    expect(client.cursor?.at(1, 1)).toBe(0x1d2433);
    client.close();
  });

  it('cuts a long clipboard text off and goes on with the message after it', async () => {
    const client = await screen.view();
    client.cutText('x'.repeat(300_000));
    client.key(0x62, true);
    await screen.inputs(2);
    expect(screen.input).toEqual([`cut ${256 * 1024} ${'x'.repeat(20)}`, 'key true 98']);
    client.close();
  });

  it('never has more than one update waiting for a viewer that does not read', async () => {
    const frozen = await rawViewer(screen.path, 8);
    // asks again and again without taking anything
    const ask = Buffer.from([3, 0, 0, 0, 0, 0, 0, 100, 0, 70]);
    frozen.pause();
    const other = await screen.view();
    for (let round = 0; round < 200; round++) {
      frozen.write(ask);
      screen.frame.pixels.fill(round + 1);
      screen.server.damage([screen.frame.bounds]);
      await other.until(() => other.picture.at(0, 0) === round + 1, soon());
    }
    // 200 full pictures are 5.6 MB: the kernel's buffers and one update are far less
    let bytes = 0;
    frozen.on('data', (chunk: Buffer) => (bytes += chunk.length));
    frozen.resume();
    frozen.end();
    await once(frozen, 'close');
    expect(bytes).toBeLessThan(1_500_000);
    other.close();
  });

  for (const [name, format, parse] of [
    [
      '16 bits, little endian',
      [16, 16, 0, 1, 0, 31, 0, 63, 0, 31, 11, 5, 0],
      (b: Buffer, i: number) => b.readUInt16LE(2 * i),
    ],
    [
      '16 bits, big endian',
      [16, 16, 1, 1, 0, 31, 0, 63, 0, 31, 11, 5, 0],
      (b: Buffer, i: number) => b.readUInt16BE(2 * i),
    ],
    ['8 bits', [8, 8, 0, 1, 0, 7, 0, 7, 0, 3, 5, 2, 0], (b: Buffer, i: number) => b.readUInt8(i)],
  ] as const) {
    it(`gives pixels as the viewer wants them: ${name}`, async () => {
      const viewer = await rawViewer(screen.path, 8);
      viewer.write(Buffer.from([0, 0, 0, 0, ...format, 0, 0, 0]));
      viewer.write(Buffer.from([3, 0, 0, 0, 0, 0, 0, 100, 0, 70]));
      const [bits, , , , , redMax, , greenMax, , blueMax, redShift, greenShift, blueShift] = format;
      const bytes = await take(viewer, 16 + (100 * 70 * bits) / 8);
      for (let i = 0; i < 7000; i++) {
        const rgb = screen.frame.pixels[i]!;
        const part = (value: number, max: number, shift: number) => Math.round(((value & 255) * max) / 255) << shift;
        const wanted =
          part(rgb >> 16, redMax, redShift) | part(rgb >> 8, greenMax, greenShift) | part(rgb, blueMax, blueShift);
        expect(parse(bytes.subarray(16), i)).toBe(wanted);
      }
      viewer.destroy();
    });
  }

  for (const [name, bytes] of [
    ['a security type that was not offered', Buffer.from('RFB 003.008\n\x02', 'latin1')],
    ['something else than RFB', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['an unknown message', Buffer.from('RFB 003.008\n\x01\x01\xc8', 'latin1')],
    [
      'a colour map',
      Buffer.concat([
        Buffer.from('RFB 003.008\n\x01\x01', 'latin1'),
        Buffer.from([0, 0, 0, 0, 8, 8]),
        Buffer.alloc(14),
      ]),
    ],
    [
      'a negative clipboard',
      Buffer.concat([Buffer.from('RFB 003.008\n\x01\x01', 'latin1'), Buffer.from([6, 0, 0, 0, 255, 255, 255, 255])]),
    ],
  ] as const) {
    it(`ends the connection of a viewer that sends ${name}, and no other`, async () => {
      const good = await screen.view();
      const bad = createConnection(screen.path);
      bad.on('error', () => {});
      bad.resume();
      bad.write(bytes);
      await once(bad, 'close');
      await screen.viewers(1);
      expect(screen.problems).toHaveLength(1);
      const changed = good.waitForChange(undefined, soon());
      screen.frame.pixels[0] = 0x123456;
      screen.server.damage([screen.frame.bounds]);
      await changed;
      good.close();
    });
  }
});

/** A connection after the handshake that reads nothing by itself. */
async function rawViewer(path: string, minor: number): Promise<Socket> {
  const socket = createConnection(path);
  await take(socket, 12);
  socket.write(`RFB 003.00${minor}\n\x01\x01`);
  await take(socket, 2 + 4 + 24 + 'test screen'.length);
  return socket;
}

async function take(socket: Socket, count: number): Promise<Buffer> {
  for (;;) {
    const bytes = socket.read(count) as Buffer | null;
    if (bytes) return bytes;
    await once(socket, 'readable');
  }
}
