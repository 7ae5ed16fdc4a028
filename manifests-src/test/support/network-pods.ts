import type { Cluster } from './cluster.ts';
import type { Pod } from './flows.ts';

/** Pods that listen, and try whom they reach. */

export const IMAGE = 'node:24-bookworm-slim';

/** Greets on those ports. */
const listen = (ports: readonly number[]) => `const { createServer } = require('node:net');
for (const port of ${JSON.stringify(ports)}) createServer((socket) => socket.on('error', () => {}).end('hello')).listen(port);`;

/** Answers any look-up by 192.0.2.1: the question again, then a pointer to its name, A, IN, 60 s, four bytes. */
const answerDns = ({
  port,
  host,
}: {
  port: number;
  host: string;
}) => `const server = require('node:dgram').createSocket('udp4');
server.on('message', (query, from) => {
  let end = 12;
  while (query[end] !== 0) end += query[end] + 1;
  const head = Buffer.concat([query.subarray(0, 2), Buffer.from('81800001000100000000', 'hex')]);
  const answer = Buffer.from('c00c000100010000003c0004c0000201', 'hex');
  server.send(Buffer.concat([head, query.subarray(12, end + 5), answer]), from.port, from.address);
}).bind(${port}, '${host}');`;

/** A proxy for CONNECT. */
const PROXY = `require('node:http').createServer().on('connect', ({ url }, socket, head) => {
  const [host, port] = url.split(':');
  const there = require('node:net').connect(Number(port), host, () => {
    socket.write('HTTP/1.1 200 Connection established\\r\\n\\r\\n');
    there.pipe(socket).pipe(there);
  });
  for (const [end, other] of [[there, socket], [socket, there]]) end.on('error', () => other.destroy());
}).listen(3128);`;

/** Tries every [name, ip, port, how], all at once, and prints what answered. How: by TCP, a look-up over UDP, through a proxy to an address. */
const TRY = `const { connect } = require('node:net');
const { Resolver } = require('node:dns').promises;
const WITHIN = 2500;
const ways = {
  tcp: (host, port, done) => {
    const socket = connect({ host, port, timeout: WITHIN }, () => { socket.destroy(); done(true); });
    const no = () => { socket.destroy(); done(false); };
    socket.on('timeout', no).on('error', no);
  },
  dns: (host, port, done) => {
    const resolver = new Resolver({ timeout: WITHIN, tries: 1 });
    if (host !== '') resolver.setServers([host + ':' + port]);
    resolver.resolve4('kubernetes.default.svc.cluster.local').then(() => done(true), () => done(false));
  },
  proxy: (host, port, done, path) => {
    const asked = require('node:http').request({ host, port, method: 'CONNECT', path, timeout: WITHIN });
    const no = () => { asked.destroy(); done(false); };
    asked.on('connect', (answer, socket, head) => {
      socket.on('error', no).on('end', no).on('data', (data) => { socket.destroy(); done(String(data) === 'hello'); });
      socket.unshift(head);
    });
    asked.on('timeout', no).on('error', no).end();
  },
};
Promise.all(JSON.parse(process.argv[1]).map(([name, host, port, way = 'tcp', path]) =>
  new Promise((resolve) => ways[way](host, port, (passed) => resolve([name, port, passed]), path))))
  .then((all) => console.log(JSON.stringify(all)));`;

/** What a pod is to reach: a name for it, address, port, and how. An empty address of a look-up: the cluster's DNS, as pods are told of it. */
export type Try =
  | readonly [name: string, ip: string, port: number]
  | readonly [name: string, ip: string, port: number, way: 'dns']
  | readonly [name: string, ip: string, port: number, way: 'proxy', path: string];

export interface Runs {
  readonly ports: readonly number[];
  /** Where it answers look-ups over UDP. */
  readonly dns?: { readonly port: number; readonly host: string };
  readonly proxy?: boolean;
  /** In the node's own network. */
  readonly onNode?: boolean;
}

export const podOf = (name: string, { namespace, labels }: Pod, { ports, dns, proxy, onNode }: Runs) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace, labels },
  spec: {
    terminationGracePeriodSeconds: 0,
    ...(onNode === true ? { hostNetwork: true } : {}),
    containers: [
      {
        name: 'main',
        image: IMAGE,
        imagePullPolicy: 'IfNotPresent',
        command: [
          'node',
          '-e',
          [listen(ports), ...(dns === undefined ? [] : [answerDns(dns)]), ...(proxy === true ? [PROXY] : [])].join(
            '\n',
          ),
        ],
        resources: { requests: { cpu: '5m', memory: '16Mi' } },
      },
    ],
  },
});

/** Its address, once it is ready. */
export async function addressOf(cluster: Cluster, name: string, namespace: string): Promise<string> {
  await cluster.kubectl('wait', '-n', namespace, `pod/${name}`, '--for=condition=Ready', '--timeout=120s');
  return (await cluster.kubectl('get', 'pod', '-n', namespace, name, '-o', 'jsonpath={.status.podIP}')).trim();
}

/** What a pod reaches of these, by `from → name:port`. */
export async function reach(
  cluster: Cluster,
  from: string,
  namespace: string,
  tries: readonly Try[],
): Promise<Map<string, boolean>> {
  const answer = await cluster.kubectl('exec', '-n', namespace, from, '--', 'node', '-e', TRY, JSON.stringify(tries));
  const found = JSON.parse(answer) as [string, number, boolean][];
  return new Map(found.map(([name, port, passed]) => [`${from} → ${name}:${port}`, passed]));
}
