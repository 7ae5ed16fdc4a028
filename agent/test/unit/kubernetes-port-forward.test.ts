import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KubeConfig } from '@kubernetes/client-node';
import { VirtualClock } from '@streamspace/testkit';
import { Connection, KubeClient } from 'kube-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PortForwarder } from '../../src/sessions/kubernetes/screens/port-forward.ts';

/** A server that answers every upgrade with the same refusal. */
describe('a port-forward that is refused', () => {
  let server: Server;
  let answer: string;
  let forwarder: PortForwarder;

  beforeEach(async () => {
    server = createServer().on('upgrade', (_, socket) => {
      socket.end(`HTTP/1.1 ${answer}`);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const config = new KubeConfig();
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    config.loadFromClusterAndUser({ name: 'c', server: url, skipTLSVerify: true }, { name: 'u' });
    const clock = new VirtualClock();
    forwarder = new PortForwarder(new KubeClient(new Connection(config, clock, 'test'), 'default', clock));
  });
  afterEach(async () => {
    server.close();
    await once(server, 'close');
  });

  const refusal = () => forwarder.open('pod', 5900, AbortSignal.timeout(10_000));

  it('names the remedy where something before the API server refuses WebSockets', async () => {
    answer = '403 Forbidden\r\ncontent-length: 9\r\nconnection: close\r\n\r\nForbidden';
    await expect(refusal()).rejects.toThrow(/403: Forbidden; a proxy before the API server must let WebSockets pass/);
  });

  it('says what the API server says', async () => {
    const status = JSON.stringify({ kind: 'Status', reason: 'NotFound', message: 'pods "pod" not found' });
    answer = `404 Not Found\r\ncontent-length: ${status.length}\r\nconnection: close\r\n\r\n${status}`;
    await expect(refusal()).rejects.toThrow(/^pods "pod" not found$/);
  });
});
