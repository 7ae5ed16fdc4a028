import { PassThrough, type Duplex } from 'node:stream';
import { duplexPair } from 'node:stream';
import { createInflate } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SpdyPortForward } from '../../src/sessions/kubernetes/screens/spdy-stream.ts';

const ERROR_STREAM = 1;
const DATA_STREAM = 3;
const FIN = 1;

const frame = (first: number[], flags: number, body: Buffer): Buffer => {
  const head = Buffer.alloc(8);
  Buffer.from(first).copy(head);
  head[4] = flags;
  head.writeUIntBE(body.length, 5, 3);
  return Buffer.concat([head, body]);
};
const data = (stream: number, body: Buffer, flags = 0) => frame([0, 0, 0, stream], flags, body);
const control = (type: number, body: Buffer, flags = 0) => frame([0x80, 3, 0, type], flags, body);
const u32 = (...values: number[]) => {
  const buffer = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => buffer.writeUInt32BE(value, 4 * index));
  return buffer;
};

/** The stream, and the server's end of its connection. */
function begin(): { stream: SpdyPortForward; server: Duplex } {
  const [client, server] = duplexPair();
  return { stream: new SpdyPortForward(client, 5900, Buffer.alloc(0)), server };
}

describe('port-forward over SPDY', () => {
  it('asks for an error stream and a data stream in one header compression', async () => {
    const { stream, server } = begin();
    const said = server.read() as Buffer;
    stream.destroy();
    const frames: { type: number; flags: number; id: number; headers: Buffer }[] = [];
    for (let at = 0; at < said.length;) {
      const length = said.readUIntBE(at + 5, 3);
      const headers = said.subarray(at + 18, at + 8 + length);
      frames.push({ type: said.readUInt16BE(at + 2), flags: said[at + 4]!, id: said.readUInt32BE(at + 8), headers });
      at += 8 + length;
    }
    expect(frames.map(({ type, flags, id }) => [type, flags, id])).toEqual([
      [1, FIN, ERROR_STREAM],
      [1, 0, DATA_STREAM],
    ]);
    const inflate = createInflate();
    const text = new PassThrough();
    inflate.pipe(text);
    for (const { headers } of frames) inflate.write(headers);
    await new Promise<void>((resolve) => inflate.flush(resolve));
    const read = (text.read() as Buffer).toString('latin1');
    expect(read.match(/streamtype\0\0\0.(error|data)/g)).toHaveLength(2);
    expect(read.match(/5900/g)).toHaveLength(2);
  });

  it('gives what comes on the data stream, however it is cut, and answers pings', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { minLength: 1, maxLength: 10 }),
        fc.array(fc.nat(), { maxLength: 20 }),
        async (bodies, cuts) => {
          const { stream, server } = begin();
          server.read();
          const wire = Buffer.concat([
            control(2, Buffer.concat([u32(DATA_STREAM), Buffer.alloc(30)])),
            ...bodies.flatMap((body, index) => [
              data(DATA_STREAM, Buffer.from(body)),
              control(4, u32(1, 4, 65536)),
              control(6, u32(2 * (index + 1))),
              data(99, Buffer.from('nobody’s')),
              control(9, u32(DATA_STREAM, 1000)),
            ]),
            data(DATA_STREAM, Buffer.alloc(0), FIN),
          ]);
          const places = [0, ...cuts.map((cut) => cut % wire.length).toSorted((a, b) => a - b), wire.length];
          places.slice(1).forEach((end, index) => server.write(wire.subarray(places[index], end)));
          const came = Buffer.concat((await stream.toArray()) as Buffer[]);
          expect(came.equals(Buffer.concat(bodies))).toBe(true);
          const answers = server.read() as Buffer;
          expect(answers.equals(Buffer.concat(bodies.map((_, index) => control(6, u32(2 * (index + 1))))))).toBe(true);
        },
      ),
      { numRuns: 50 },
    );
  });

  it.each<[string, Buffer, RegExp]>([
    ['the error stream', data(ERROR_STREAM, Buffer.from('connection refused'), FIN), /connection refused/],
    ['a reset', control(3, u32(DATA_STREAM, 5)), /broke the connection/],
    ['another protocol', Buffer.from('HTTP/1.1 500 Oh\r\n'), /closed|does not speak|broke/],
    ['another version', frame([0x80, 2, 0, 1], 0, Buffer.alloc(4)), /does not speak SPDY/],
    ['a control frame without end', frame([0x80, 3, 0, 4], 0, Buffer.alloc(70_000)), /does not speak SPDY/],
    ['the server leaving', control(7, u32(0, 0)), /closed/],
  ])('does not open, with the reason: %s', async (_, wire, words) => {
    const { stream, server } = begin();
    stream.resume();
    server.write(wire);
    server.end();
    await expect(stream.opened).rejects.toThrow(words);
  });

  it('takes any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 60 })), async (chunks) => {
        const { stream, server } = begin();
        stream.on('error', () => undefined).resume();
        server.on('error', () => undefined);
        for (const chunk of chunks) server.write(chunk);
        server.end();
        await stream.opened.catch(() => undefined);
        stream.destroy();
      }),
      { numRuns: 200 },
    );
  });
});
