import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KindCluster } from '../../kind/cluster.ts';
import { run } from '../../kind/host.ts';
import { NAMESPACE } from '../../kind/install.ts';
import type { Component } from '../history.ts';
import type { Cut, Platform, Pod } from '../platform.ts';
import type { Kube, KubeObject } from './kube.ts';
import { podOf } from './observed.ts';

const LEASE = 'k8s-agent-leader-election';
const LEASES = `/apis/coordination.k8s.io/v1/namespaces/${NAMESPACE}/leases`;
/** The hub's pods listen on this port. */
const HUB_PORT = 8080;
const PODS = `/api/v1/namespaces/${NAMESPACE}/pods`;

/** Shell: the processes of a pod's container, as its node numbers them, in `$pids`. */
function pidsOf(pod: Pod): string {
  const container = pod.containers[0]?.id ?? '';
  if (!/^[0-9a-f]{64}$/.test(container)) throw new Error(`pod ${pod.name} has no container that runs`);
  return `pids=$(grep -l ${container} /proc/[0-9]*/cgroup 2>/dev/null | cut -d/ -f3)`;
}

/** A kind cluster with the chart installed, and all operations on it from outside. */
export class HaCluster implements Platform {
  readonly expected = { 'k8s-agent': 3, api: 3, redis: 1 };
  readonly kind: KindCluster;
  readonly kube: Kube;
  /** Installs the chart: with test-values/ha.yaml, or the same with one replica of each and without HA. */
  readonly install: (shape: 'ha' | 'one') => Promise<void>;

  constructor(kind: KindCluster, kube: Kube, install: HaCluster['install']) {
    this.kind = kind;
    this.kube = kube;
    this.install = install;
  }

  async pods(component: Component): Promise<Pod[]> {
    const selector = component === 'session' ? 'app=session' : `app.kubernetes.io/component=${component}`;
    const { items } = await this.kube.get<{ items: KubeObject[] }>(
      `${PODS}?labelSelector=${encodeURIComponent(selector)}`,
    );
    return items.flatMap((object) => {
      const entry = podOf('known', object);
      if (entry === undefined) return [];
      const status = object.status as {
        podIP?: string;
        hostIP?: string;
        containerStatuses?: { name: string; containerID?: string }[];
      };
      const containers = (status.containerStatuses ?? []).map(({ name, containerID = '' }) => ({
        name,
        id: containerID.replace(/^\w+:\/\//, ''),
      }));
      return [{ ...entry, ip: status.podIP ?? '', hostIp: status.hostIP ?? '', containers }];
    });
  }

  /** The pod that holds the Lease; rejects when there is none now. */
  async leader(): Promise<Pod> {
    const lease = await this.kube.get<KubeObject & { spec: { holderIdentity?: string } }>(`${LEASES}/${LEASE}`);
    const holder = (lease.spec.holderIdentity ?? '').split('_')[0];
    const pod = (await this.pods('k8s-agent')).find(({ name }) => name === holder);
    if (pod === undefined) throw new Error(`nobody leads: the holder is ${JSON.stringify(holder)}`);
    return pod;
  }

  deletePod(name: string, graceSeconds?: number): Promise<unknown> {
    const grace = graceSeconds === undefined ? '' : `?gracePeriodSeconds=${graceSeconds}`;
    return this.kube.call('DELETE', `${PODS}/${name}${grace}`);
  }

  async stop({ name }: Pod, seconds?: number): Promise<void> {
    await this.deletePod(name, seconds);
  }

  kill(pod: Pod): Promise<void> {
    return this.#signal(pod, 'KILL');
  }

  freeze(pod: Pod): Promise<void> {
    return this.#signal(pod, 'STOP');
  }

  async thaw(pod: Pod): Promise<void> {
    // the kubelet may have replaced the container by now
    await this.#signal(pod, 'CONT').catch(() => undefined);
  }

  deleteLock(): Promise<boolean> {
    return this.kube.call('DELETE', `${LEASES}/${LEASE}`).then(
      () => true,
      (error: Error) => {
        if (error.message.includes(': 404 ')) return false;
        throw error;
      },
    );
  }

  /** In a node, as root. */
  exec(node: string, script: string): Promise<string> {
    return run('docker', ['exec', node, 'bash', '-c', script], { limitMs: 60_000 });
  }

  docker(...args: string[]): Promise<string> {
    return run('docker', args, { limitMs: 60_000 });
  }

  /** Sends a signal to every process of a pod's container from its node: nothing in the container can prevent it. */
  async #signal(pod: Pod, signal: 'KILL' | 'STOP' | 'CONT'): Promise<void> {
    await this.exec(pod.node, `${pidsOf(pod)}; [ -n "$pids" ] && kill -${signal} $pids`);
  }

  /** CPU that the pod's process has used so far, and its memory in bytes. */
  async use(pod: Pod): Promise<{ cpuSeconds: number; memory: number }> {
    const script = `${pidsOf(pod)}; for p in $pids; do cut -d' ' -f14,15 /proc/$p/stat; grep VmRSS /proc/$p/status; done`;
    const [, user, system, kib] = /(\d+) (\d+)\s+VmRSS:\s+(\d+) kB/.exec(await this.exec(pod.node, script)) ?? [];
    return { cpuSeconds: (Number(user) + Number(system)) / 100, memory: Number(kib) * 1024 };
  }

  /** The answer of a pod's HTTP port to a request from its own node, which no NetworkPolicy blocks. */
  async ask<T>(pod: Pod, port: number, path: string): Promise<T> {
    const text = await this.exec(
      pod.node,
      `exec 3<>/dev/tcp/${pod.ip}/${port}; printf 'GET ${path} HTTP/1.0\\r\\n\\r\\n' >&3; timeout 5 cat <&3`,
    );
    const body = text.slice(text.indexOf('\r\n\r\n') + 4);
    return (path === '/metrics' ? body : JSON.parse(body)) as T;
  }

  /**
   * By rules at the top of the node's forwarding chain, which drop matching packets, established connections included. The kubelet's
   * probes come from the node itself and pass.
   */
  async cut({ ip, node }: Pod, from: Cut): Promise<void> {
    const rules = (await this.#matches(ip, from)).map(
      (match) => `iptables -w 5 -I FORWARD ${match} -m comment --comment ha-scenario -j DROP`,
    );
    await this.exec(node, rules.join(' && '));
  }

  /** The packets of that address which the cut drops. */
  async #matches(ip: string, from: Cut): Promise<string[]> {
    if (from === 'deaf') return [`-d ${ip}`];
    if (from === 'both') return [`-s ${ip}`, `-d ${ip}`];
    if (from === 'hub') return [`-s ${ip} -p tcp --dport ${HUB_PORT}`, `-d ${ip} -p tcp --sport ${HUB_PORT}`];
    const server = await this.apiServer();
    return [
      `-s ${ip} -d ${server.ip} -p tcp --dport ${server.port}`,
      `-s ${server.ip} -d ${ip} -p tcp --sport ${server.port}`,
    ];
  }

  async heal({ node }: Pod): Promise<void> {
    const find = `iptables -w 5 -S | grep -- '--comment ha-scenario' | sed 's/^-A/-D/'`;
    await this.exec(node, `${find} | while read -r rule; do iptables -w 5 $rule; done`);
  }

  async version(): Promise<{ kubernetes: string }> {
    return { kubernetes: (await this.kube.get<{ gitVersion: string }>('/version')).gitVersion };
  }

  nodes(): Promise<string[]> {
    return this.kube
      .get<{ items: KubeObject[] }>('/api/v1/nodes')
      .then(({ items }) => items.map(({ metadata }) => metadata.name));
  }

  /** Addresses of the API server behind its Service. */
  async apiServer(): Promise<{ ip: string; port: number }> {
    const { subsets } = await this.kube.get<{ subsets: { addresses: { ip: string }[]; ports: { port: number }[] }[] }>(
      '/api/v1/namespaces/default/endpoints/kubernetes',
    );
    return { ip: subsets[0]!.addresses[0]!.ip, port: subsets[0]!.ports[0]!.port };
  }

  log({ name }: Pod): Promise<string> {
    return this.kubectl('logs', name, '--tail=2000');
  }

  kubectl(...args: string[]): Promise<string> {
    return this.kind.kubectl(['-n', NAMESPACE, ...args]);
  }

  /** The state of all objects, events, logs of previous containers. */
  async leaveTraces(folder: string): Promise<void> {
    const leave = async (file: string, ...args: string[]) => {
      const text = await this.kubectl(...args).catch((error: Error) => error.message);
      await writeFile(join(folder, file), text);
    };
    await leave('objects.txt', 'get', 'pods,services,leases,persistentvolumeclaims', '-o', 'wide');
    await leave('lease.yaml', 'get', 'lease', '-o', 'yaml');
    await leave('events.txt', 'get', 'events', '--sort-by=.metadata.creationTimestamp');
    await leave('pods.txt', 'describe', 'pods', '-n', NAMESPACE);
    await mkdir(join(folder, 'previous'), { recursive: true });
    for (const component of ['k8s-agent', 'api'] as const)
      for (const { name, restarts } of await this.pods(component).catch(() => []))
        if (restarts > 0) await leave(join('previous', `${name}.log`), 'logs', name, '--previous', '--tail=2000');
  }
}
