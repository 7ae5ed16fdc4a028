import { createHash, randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { KubeConfig } from '@kubernetes/client-node';
import { systemClock } from 'clock-port';
import { Connection, KubeClient } from 'kube-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectTcp } from '../../src/sessions/kubernetes/screens/direct.ts';
import { PortForwarder } from '../../src/sessions/kubernetes/screens/port-forward.ts';
import { DESKTOP_IMAGE, type SessionCluster } from './kubernetes-cluster.ts';

const PORT = 5900;
const BYTES = 64 * 1024 * 1024;
const CHUNK = 256 * 1024;
const NAMESPACE = 'screens';
/** Speaks first, as screens do, then says what it hears. */
const ECHO = `use IO::Socket::INET; $SIG{PIPE}='IGNORE'; $SIG{CHLD}='IGNORE';
my $s=IO::Socket::INET->new(LocalPort=>${PORT},Listen=>16,ReuseAddr=>1) or die;
while (my $c=$s->accept) { next if fork; syswrite($c,'!'); my $b;
  while (my $n=sysread($c,$b,65536)) { my $o=0; while ($o<$n) { my $w=syswrite($c,$b,$n-$o,$o) or exit; $o+=$w } } exit }`;
const soon = () => AbortSignal.timeout(120_000);

/** Writes so much noise as the other end takes, and hashes what went and what came. */
async function echoed(stream: Duplex): Promise<{ sent: string; came: string }> {
  const [sent, came] = [createHash('sha256'), createHash('sha256')];
  let left = BYTES + 1;
  const all = new Promise<void>((resolve, reject) => {
    stream.on('error', reject);
    stream.on('close', () => reject(new Error(`${left} bytes did not come`)));
    stream.on('data', (data: Buffer) => {
      // without the greeting
      came.update(left === BYTES + 1 ? data.subarray(1) : data);
      left -= data.length;
      if (left === 0) resolve();
    });
  });
  all.catch(() => undefined);
  for (let bytes = 0; bytes < BYTES; bytes += CHUNK) {
    const chunk = randomFillSync(Buffer.allocUnsafe(CHUNK));
    sent.update(chunk);
    if (!stream.write(chunk)) await Promise.race([once(stream, 'drain'), all]);
  }
  await all;
  stream.destroy();
  return { sent: sent.digest('hex'), came: came.digest('hex') };
}

/** The ways to a screen on a real kubelet. */
export function realScreens(cluster: () => SessionCluster): void {
  describe('ways of a screen', () => {
    let client: KubeClient;
    let connection: Connection;
    beforeAll(async () => {
      const kubectl = (...args: string[]) => cluster().kubectl(...args);
      kubectl('create', 'namespace', NAMESPACE);
      kubectl(
        'run',
        'echo',
        '-n',
        NAMESPACE,
        `--image=${DESKTOP_IMAGE}`,
        '--image-pull-policy=IfNotPresent',
        '--restart=Never',
        '--command',
        '--',
        'perl',
        '-e',
        ECHO,
      );
      kubectl('wait', 'pod/echo', '-n', NAMESPACE, '--for=condition=Ready', '--timeout=60s');
      connection = new Connection(cluster().kubeConfig(), systemClock, 'test');
      client = new KubeClient(connection, NAMESPACE, systemClock);
    }, 120_000);
    afterAll(async () => {
      await connection?.close();
      cluster().try('delete', 'namespace', NAMESPACE, '--wait=false');
    });

    const ways: [string, () => Promise<Duplex>][] = [
      ['WebSocket', () => new PortForwarder(client, ['websocket']).open('echo', PORT, soon())],
      ['SPDY', () => new PortForwarder(client, ['spdy']).open('echo', PORT, soon())],
      [
        'the pod’s address',
        () =>
          connectTcp(
            cluster().kubectl('get', 'pod', 'echo', '-n', NAMESPACE, '-o', 'jsonpath={.status.podIP}'),
            PORT,
            soon(),
          ),
      ],
    ];
    it.for(ways)('64 MiB go and come unchanged: %s', async ([name, open], { skip }) => {
      if (name.includes('address') && !cluster().routed) skip('pods’ addresses are not reached from here');
      const { sent, came } = await echoed(await open());
      expect(came).toBe(sent);
    });

    it('a reader that pauses stops the way, and loses nothing', async () => {
      for (const way of ['websocket', 'spdy'] as const) {
        const stream = await new PortForwarder(client, [way]).open('echo', PORT, soon());
        stream.pause();
        const noise = randomFillSync(Buffer.allocUnsafe(8 * 1024 * 1024));
        const written = new Promise<void>((resolve) => stream.write(noise, () => resolve()));
        await new Promise((resolve) => stream.once('readable', resolve));
        expect(stream.readableLength).toBeLessThan(1024 * 1024);
        const chunks: Buffer[] = [];
        let size = 0;
        stream.on('data', (data: Buffer) => {
          chunks.push(data);
          size += data.length;
        });
        stream.resume();
        await written;
        while (size < noise.length + 1) await once(stream, 'data');
        expect(Buffer.concat(chunks).subarray(1).equals(noise)).toBe(true);
        stream.destroy();
      }
    });

    it.for([['websocket'], ['spdy']] as const)('says that nobody listens on the port: %s', async ([way]) => {
      // a kubelet that has much to do may end the streams without the reason
      await expect(new PortForwarder(client, [way]).open('echo', 5999, soon())).rejects.toThrow(
        /refused|closed the port-forward/,
      );
    });

    it.for([['websocket'], ['spdy']] as const)('says that there is no such pod: %s', async ([way]) => {
      await expect(new PortForwarder(client, [way]).open('none', PORT, soon())).rejects.toMatchObject({ status: 404 });
    });

    it('goes over SPDY where WebSockets are refused, and begins with it from then on', async () => {
      const { refusing, refused, close } = await proxyWithoutWebSockets(cluster());
      const forwarder = new PortForwarder(refusing);
      try {
        for (let times = 0; times < 2; times++) {
          const { sent, came } = await echoed(await forwarder.open('echo', PORT, soon()));
          expect(came).toBe(sent);
        }
        expect(refused()).toBe(1);
      } finally {
        await close();
      }
    });
  });
}

/** A client whose way to the API server lets no WebSocket pass, as older servers and some proxies do. */
async function proxyWithoutWebSockets(
  cluster: SessionCluster,
): Promise<{ refusing: KubeClient; refused: () => number; close: () => Promise<void> }> {
  const behind = new Connection(cluster.kubeConfig(), systemClock, 'test');
  const { server: target, tls, headers: auth } = await behind.access();
  let refused = 0;
  const proxy = createServer();
  const sockets = new Set<Duplex>();
  proxy.on('upgrade', (incoming, socket: Duplex) => {
    sockets.add(socket.on('error', () => undefined));
    const { host: _, ...headers } = incoming.headers;
    if (headers.upgrade?.toLowerCase() === 'websocket') {
      refused++;
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
      return;
    }
    const outgoing = request(`${target}${incoming.url}`, {
      method: incoming.method,
      headers: { ...headers, ...auth },
      ...tls,
    });
    outgoing.on('error', () => socket.destroy());
    outgoing.on('upgrade', (answer, upstream: Duplex, first: Buffer) => {
      sockets.add(upstream.on('error', () => socket.destroy()));
      const lines = answer.rawHeaders.flatMap((name, index, all) =>
        index % 2 ? [] : [`${name}: ${all[index + 1]}\r\n`],
      );
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('')}\r\n`);
      socket.write(first);
      upstream.pipe(socket).pipe(upstream);
    });
    outgoing.end();
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const config = new KubeConfig();
  config.loadFromClusterAndUser(
    { name: 'proxy', server: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, skipTLSVerify: true },
    { name: 'nobody' },
  );
  const connection = new Connection(config, systemClock, 'test');
  return {
    refusing: new KubeClient(connection, NAMESPACE, systemClock),
    refused: () => refused,
    async close() {
      for (const socket of sockets) socket.destroy();
      proxy.close();
      await Promise.all([once(proxy, 'close'), connection.close(), behind.close()]);
    },
  };
}
