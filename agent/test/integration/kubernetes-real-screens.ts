import { createHash, randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { systemClock } from 'clock-port';
import { Connection, KubeClient } from 'kube-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectTcp } from '../../src/sessions/core/connect.ts';
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
      ['through the API server', () => new PortForwarder(client).open('echo', PORT, soon())],
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
      const stream = await new PortForwarder(client).open('echo', PORT, soon());
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
    });

    it('says that nobody listens on the port', async () => {
      // a kubelet that has much to do may end the streams without the reason
      await expect(new PortForwarder(client).open('echo', 5999, soon())).rejects.toThrow(
        /refused|closed the port-forward/,
      );
    });

    it('says that there is no such pod', async () => {
      await expect(new PortForwarder(client).open('none', PORT, soon())).rejects.toMatchObject({ status: 404 });
    });
  });
}
