import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { systemClock } from 'clock-port';
import { Connection, KubeClient } from 'kube-client';
import { connectTcp } from '../../agent/src/sessions/core/connect.ts';
import { PortForwarder } from '../../agent/src/sessions/kubernetes/screens/port-forward.ts';
import { clusterMissing, DESKTOP_IMAGE, SessionCluster } from '../../agent/test/integration/kubernetes-cluster.ts';

const PORT = 5900;
/** A screen that sends first and without end. */
const SERVER = `use IO::Socket::INET; $SIG{PIPE}='IGNORE'; my $s=IO::Socket::INET->new(LocalPort=>${PORT},Listen=>16,ReuseAddr=>1) or die;
my $b='x' x 65536; while (my $c=$s->accept) { next if fork; while (syswrite($c,$b)) {} exit }`;

/** Bytes per second of one connection, for `ms` milliseconds after the first ones. */
async function rate(stream: Readable, ms: number): Promise<number> {
  const taken = await new Promise<{ bytes: number; ms: number }>((resolve, reject) => {
    let start = 0;
    let bytes = 0;
    stream.on('error', reject);
    stream.on('data', (chunk: Buffer) => {
      if (start === 0) start = performance.now();
      bytes += chunk.length;
      const passed = performance.now() - start;
      if (passed >= ms) resolve({ bytes, ms: passed });
    });
  });
  stream.destroy();
  return (taken.bytes / taken.ms) * 1000;
}

/** The paths of a screen's bytes, compared in turns on one pod. */
export async function screenPaths(quick: boolean, say: (text: string) => void): Promise<string[][]> {
  const missing = clusterMissing();
  if (missing !== undefined) {
    say(`Not run here: ways of a screen (${missing})`);
    return [];
  }
  const cluster = await SessionCluster.create();
  const connection = new Connection(cluster.kubeConfig(), systemClock, 'bench');
  const client = new KubeClient(connection, 'default', systemClock);
  const limit = () => AbortSignal.timeout(60_000);
  try {
    cluster.kubectl(
      'run',
      'loud',
      `--image=${DESKTOP_IMAGE}`,
      '--image-pull-policy=IfNotPresent',
      '--restart=Never',
      '--command',
      '--',
      'perl',
      '-e',
      SERVER,
    );
    cluster.kubectl('wait', 'pod/loud', '--for=condition=Ready', '--timeout=60s');
    const address = cluster.kubectl('get', 'pod', 'loud', '-o', 'jsonpath={.status.podIP}');
    const kubectl = spawn('kubectl', ['--kubeconfig', cluster.path, 'port-forward', 'pod/loud', `:${PORT}`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(createInterface(kubectl.stdout), 'line')) as [string];
    const local = Number(/127\.0\.0\.1:(\d+)/.exec(line)?.[1]);
    const forwarder = new PortForwarder(client);
    const ways: Record<string, () => Promise<Readable>> = {
      'through the API server': () => forwarder.open('loud', PORT, limit()),
      'kubectl port-forward': async () => connect(local, '127.0.0.1'),
      ...(cluster.routed && { 'direct to the pod': () => connectTcp(address, PORT, limit()) }),
    };
    const best: Record<string, number> = {};
    for (let round = 0; round < (quick ? 1 : 3); round++) {
      for (const [name, open] of Object.entries(ways)) {
        best[name] = Math.max(best[name] ?? 0, await rate(await open(), quick ? 1000 : 3000));
      }
    }
    const ended = once(kubectl, 'exit');
    kubectl.kill();
    await ended;
    cluster.kubectl('delete', 'pod', 'loud', '--grace-period=0', '--force');
    return Object.entries(best).map(([name, bytes]) => [`screen bytes, ${name}`, `${(bytes / 1e6).toFixed(0)} MB/s`]);
  } finally {
    await connection.close();
    await cluster.remove();
  }
}
