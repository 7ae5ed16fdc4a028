import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { RfbClient } from '../../src/rfb/client.ts';
import { type RfbTestServer, rfbTestServer } from '../../src/rfb/test-server.ts';

const soon = () => AbortSignal.timeout(5_000);

describe('rfbTestServer', () => {
  let server: RfbTestServer | undefined;
  afterEach(() => server?.close());

  const connect = async (): Promise<Socket> => {
    const socket = createConnection(server!.port, '127.0.0.1');
    await once(socket, 'connect');
    return socket;
  };

  it('shakes hands with every version, then echoes byte for byte', async () => {
    for (const minor of [3, 7, 8] as const) {
      server = await rfbTestServer({ mode: 'silent', name: 'stand-in' });
      const socket = await connect();
      const client = await RfbClient.open(socket, soon(), { minor });
      expect([client.name, client.picture.width, client.picture.height]).toEqual(['stand-in', 640, 480]);
      client.close();
      await server.close();
    }
    server = await rfbTestServer({ mode: 'echo', handshake: false });
    const socket = await connect();
    socket.write('ping');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toBe('ping');
    const [connection] = server.connections;
    expect(connection).toMatchObject({ received: 4, sent: 4 });
    expect(connection!.receivedHash()).toBe(createHash('sha256').update('ping').digest('hex'));
    socket.destroy();
  });

  it('pours the bytes it was asked for, in the reader’s pace, and knows their hash', async () => {
    server = await rfbTestServer({ mode: 'download', handshake: false, bytes: 3_000_001 });
    const socket = await connect();
    const hash = createHash('sha256');
    let received = 0;
    for await (const chunk of socket) {
      received += (chunk as Buffer).length;
      hash.update(chunk as Buffer);
    }
    expect(received).toBe(3_000_001);
    expect(hash.digest('hex')).toBe(server.connections[0]!.sentHash());
  });

  it('holds little for a reader that does not read', async () => {
    server = await rfbTestServer({ mode: 'download', handshake: false });
    const frozen = await connect();
    frozen.pause();
    const busy = await connect();
    let received = 0;
    for await (const chunk of busy) if ((received += (chunk as Buffer).length) > 20_000_000) break;
    expect(server.connections[0]!.waiting).toBeLessThan(200_000);
    frozen.destroy();
  });
});
