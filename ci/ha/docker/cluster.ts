import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../kind/host.ts';
import type { Component } from '../history.ts';
import type { Cut, Platform, Pod } from '../platform.ts';
import { type DockerEngine, EngineError, filter, type Listed } from './engine.ts';
import type { LockView } from './lock.ts';
import { podOf } from './observed.ts';
import type { Way } from './way.ts';

/** The ports of hub and store, for a replica that hears nothing of them. */
const PORTS = '8080,6379';
/** Between a program's end and its next start, as of an engine that restarts it. Milliseconds. */
const RESTART_MS = 300;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Names of an installation on an engine. */
export interface Names {
  /** Label of everything that the rig makes, with its value. */
  readonly own: string;
  readonly agent: string;
  /** Between agents and hub, agents and the lock's store, agents and sessions. */
  readonly networks: { readonly hub: string; readonly lock: string; readonly sessions: string };
}

/** Hub, store and three replicas of an agent as containers of one engine, and all operations on them from outside. */
export class DockerCluster implements Platform {
  readonly expected = { 'k8s-agent': 3, api: 2, redis: 1 };
  readonly engine: DockerEngine;
  readonly lock: LockView;
  readonly names: Names;
  /** Ways of the replicas to the engine, by name. */
  readonly ways: ReadonlyMap<string, Way>;

  constructor(parts: Pick<DockerCluster, 'engine' | 'lock' | 'names' | 'ways'>) {
    this.engine = parts.engine;
    this.lock = parts.lock;
    this.names = parts.names;
    this.ways = parts.ways;
  }

  async pods(component: Component): Promise<Pod[]> {
    const { own, agent, networks } = this.names;
    const label = component === 'session' ? ['app=session', `agent=${agent}`] : [own, `component=${component}`];
    const found = await this.engine.get<Listed[]>(`/containers/json?all=true&${filter({ label })}`);
    const pods = found.map(({ Id, Names, State, Labels, NetworkSettings }): Pod => {
      const addresses = NetworkSettings.Networks;
      const address = addresses[networks.sessions] ?? Object.values(addresses)[0];
      const about = podOf('known', Id, Names[0]!.slice(1), Labels, State);
      return {
        ...about,
        component,
        ip: address?.IPAddress ?? '',
        hostIp: '',
        containers: [{ name: component, id: Id }],
      };
    });
    if (component !== 'api') return pods;
    return Promise.all(
      pods.map(async (pod) => ({ ...pod, ready: pod.ready && (await this.ask(pod, 8080, '/ready').then(yes, no)) })),
    );
  }

  async leader(): Promise<Pod> {
    const { holder = '' } = (await this.lock.read()) ?? {};
    const pod = (await this.pods('k8s-agent')).find(({ name }) => name === holder);
    if (pod === undefined) throw new Error(`nobody leads: the holder is ${JSON.stringify(holder)}`);
    return pod;
  }

  async ask<T>({ ip, name }: Pod, port: number, path: string): Promise<T> {
    const answer = await fetch(`http://${ip}:${port}${path}`, { signal: AbortSignal.timeout(3_000) });
    const text = await answer.text();
    if (!answer.ok && path !== '/leader') throw new Error(`${name}${path}: ${answer.status} ${text}`);
    return (path === '/metrics' ? text : JSON.parse(text)) as T;
  }

  async use({ uid }: Pod): Promise<{ cpuSeconds: number; memory: number }> {
    const { cpu_stats: cpu, memory_stats: memory } = await this.engine.get<{
      cpu_stats: { cpu_usage: { total_usage: number } };
      memory_stats: { usage: number; stats: Record<string, number> };
    }>(`/containers/${uid}/stats?stream=false&one-shot=true`);
    // without the cache of files
    const cache = memory.stats['total_inactive_file'] ?? memory.stats['inactive_file'] ?? 0;
    return { cpuSeconds: cpu.cpu_usage.total_usage / 1e9, memory: memory.usage - cache };
  }

  log({ uid }: Pod): Promise<string> {
    return this.engine.get(`/containers/${uid}/logs?stdout=true&stderr=true&tail=2000`);
  }

  async stop({ uid }: Pod, seconds = 30): Promise<void> {
    await this.#post(uid, `stop?t=${seconds}`);
    await this.start(uid);
  }

  async kill({ uid }: Pod): Promise<void> {
    await this.#post(uid, 'kill');
    await this.start(uid);
  }

  /** Starts a program that ended, as a restart policy would: an engine does not restart what was ended by its API. */
  async start(uid: string): Promise<void> {
    await pause(RESTART_MS);
    await this.#post(uid, 'start');
  }

  freeze({ uid }: Pod): Promise<void> {
    return this.#post(uid, 'pause');
  }

  async thaw({ uid }: Pod): Promise<void> {
    await this.#post(uid, 'unpause').catch((error: unknown) => {
      if (!(error instanceof EngineError)) throw error;
    });
  }

  deleteLock(): Promise<boolean> {
    return this.lock.delete();
  }

  /** Takes the replica out of the networks; one that only hears nothing loses the packets that come to it. */
  async cut(pod: Pod, from: Cut): Promise<void> {
    if (from === 'deaf') return this.#deafen(pod, '-I');
    for (const network of this.#of(from))
      await this.engine.call('POST', `/networks/${network}/disconnect`, { Container: pod.uid, Force: true });
  }

  async heal(pod: Pod): Promise<void> {
    const { NetworkSettings, State } = await this.engine.get<
      Pick<Listed, 'NetworkSettings'> & { State: { Pid: number } }
    >(`/containers/${pod.uid}/json`);
    for (const network of this.#of('both'))
      if (NetworkSettings.Networks[network] === undefined)
        await this.engine.call('POST', `/networks/${network}/connect`, { Container: pod.uid });
    if (State.Pid > 0) await this.#deafen(pod, '-D').catch(() => undefined);
  }

  #of(from: Exclude<Cut, 'deaf'>): string[] {
    const { hub, lock } = this.names.networks;
    return { hub: [hub], lock: [lock], both: [hub, lock] }[from];
  }

  /** In the network namespace of the container, which the host's root can enter. */
  async #deafen({ uid }: Pod, change: '-I' | '-D'): Promise<void> {
    const { State } = await this.engine.get<{ State: { Pid: number } }>(`/containers/${uid}/json`);
    const rule = ['-p', 'tcp', '-m', 'multiport', '--sports', PORTS, '-j', 'DROP'];
    await run('nsenter', ['-t', String(State.Pid), '-n', 'iptables', '-w', '5', change, 'INPUT', ...rule]);
  }

  /** The engine is away for these replicas. */
  async cutEngine(names: readonly string[]): Promise<void> {
    for (const name of names) await this.ways.get(name)!.cut();
  }

  async healEngine(names: readonly string[]): Promise<void> {
    for (const name of names) await this.ways.get(name)!.open();
  }

  async leaveTraces(folder: string): Promise<void> {
    const all = await this.engine.get<Listed[]>('/containers/json?all=true').catch((error: Error) => error.message);
    await writeFile(join(folder, 'containers.json'), JSON.stringify(all, null, 1));
  }

  async #post(uid: string, what: string): Promise<void> {
    await this.engine.call('POST', `/containers/${uid}/${what}`);
  }
}

const yes = () => true;
const no = () => false;
