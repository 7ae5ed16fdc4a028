import { Duplex } from 'node:stream';
import { beforeEach, describe, expect, it } from 'vitest';
import { SpdyPortForward } from '../../src/sessions/kubernetes/screens/spdy-stream.ts';

const [ERROR_STREAM, DATA_STREAM] = [1, 3];

/** A data frame of SPDY/3.1. */
function frame(stream: number, text: string, fin: boolean): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(stream, 0);
  head[4] = fin ? 1 : 0;
  head.writeUIntBE(Buffer.byteLength(text), 5, 3);
  return Buffer.concat([head, Buffer.from(text)]);
}

describe('a port forwarded over SPDY', () => {
  let server: Duplex;
  let forward: SpdyPortForward;
  const says = (...frames: Buffer[]) => {
    for (const each of frames) server.push(each);
  };

  beforeEach(() => {
    server = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
    forward = new SpdyPortForward(server, 5900, Buffer.alloc(0));
    forward.on('error', () => undefined);
  });

  const refused = 'error forwarding port 5900: connection refused';
  const orders: [string, Buffer[]][] = [
    ['before', [frame(ERROR_STREAM, refused, false), frame(ERROR_STREAM, '', true), frame(DATA_STREAM, '', true)]],
    ['after', [frame(DATA_STREAM, '', true), frame(ERROR_STREAM, refused, false), frame(ERROR_STREAM, '', true)]],
    ['in one frame, after', [frame(DATA_STREAM, '', true), frame(ERROR_STREAM, refused, true)]],
  ];
  it.each(orders)('tells why it failed, said %s the end of the data', async (_, frames) => {
    says(...frames);
    await expect(forward.opened).rejects.toThrow('connection refused');
    expect(forward.destroyed).toBe(true);
  });

  it.each([
    ['both streams', [frame(DATA_STREAM, '', true), frame(ERROR_STREAM, '', true)]],
    ['the connection', []],
  ] as [string, Buffer[]][])('has failed when %s end without a byte and without a word', async (_, frames) => {
    says(...frames);
    if (frames.length === 0) server.push(null);
    await expect(forward.opened).rejects.toThrow('closed the port-forward');
  });

  it('is open at the first byte, and ends with the data', async () => {
    says(frame(DATA_STREAM, 'RFB 003.008\n', false), frame(DATA_STREAM, '', true));
    await forward.opened;
    const came: Buffer[] = [];
    for await (const chunk of forward) came.push(chunk as Buffer);
    expect(Buffer.concat(came).toString()).toBe('RFB 003.008\n');
  });
});
