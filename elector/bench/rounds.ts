import { readFile } from 'node:fs/promises';
import type { KubeApiserver } from '@streamspace/testkit';
import type { Lease } from '../src/kubernetes/index.ts';
import { Fleet, wallNow, type ReplicaProcess, type ReplicaSettings } from '../test/support/fleet.ts';
import { until } from '../test/support/programs.ts';
import { TcpProxy } from '../test/support/proxy.ts';
import type { Contender } from './contenders.ts';
import type { Quiet } from './quiet.ts';

/** What is measured, in seconds; the first is per round, the rest in the order in which a round does it. */
export type Row =
  | 'start → leader'
  | 'Lease deleted → next leader'
  | '… while two believe they lead'
  | 'Lease deleted, watches dead → next leader'
  | 'SIGTERM → next leader'
  | 'leader thawed: two believe it'
  | 'SIGKILL → next leader'
  | 'SIGKILL, kubelet’s word → next leader';

export type Measure = (contender: Contender, row: Row, ms: number) => void;

export interface Arena {
  readonly server: KubeApiserver;
  readonly quiet: Quiet;
  readonly commands: Readonly<Record<Contender['kind'], readonly string[]>>;
  readonly measure: Measure;
}

const LONG_MS = 60_000;
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const rfc3339 = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z/, 'Z');

class Round {
  readonly fleet: Fleet;
  readonly leases: string;
  readonly pods: string;
  readonly #arena: Arena;
  readonly #command: readonly string[];

  static async start(arena: Arena, contender: Contender, settings: Partial<ReplicaSettings> = {}): Promise<Round> {
    return new Round(arena, contender, await arena.server.namespace(), {
      kubeconfig: await arena.server.configFile(),
      ...settings,
    });
  }

  private constructor(
    arena: Arena,
    contender: Contender,
    namespace: string,
    settings: Partial<ReplicaSettings> & { kubeconfig: string },
  ) {
    this.#arena = arena;
    this.#command = arena.commands[contender.kind];
    this.leases = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
    this.pods = `/api/v1/namespaces/${namespace}/pods`;
    this.fleet = new Fleet({ namespace, name: 'the-lease', keep: true, ...contender.timings, ...settings });
  }

  /** Starts replicas, and waits until all of them take part. */
  async add(count: number, identity?: string): Promise<void> {
    const added = Array.from({ length: count }, () =>
      this.fleet.add(this.#command, identity === undefined ? {} : { identity }),
    );
    await until(
      () => added.every((replica) => replica.of('started').length > 0),
      LONG_MS,
      () => `replicas start\n${added.map(({ program }) => program.output.slice(-500)).join('\n')}`,
    );
  }

  /** Milliseconds until the Lease, just deleted, has a holder again. */
  async heldAgain(from: number): Promise<number> {
    const path = `${this.leases}/the-lease`;
    const held = async () => {
      try {
        return Boolean(((await this.#arena.server.request('GET', path)) as unknown as Lease).spec?.holderIdentity);
      } catch {
        return false;
      }
    };
    await until(held, LONG_MS, () => `the Lease is held again\n${this.fleet.report()}`);
    return wallNow() - from;
  }

  deleteLease(): Promise<unknown> {
    return this.#arena.server.request('DELETE', `${this.leases}/the-lease`);
  }
}

/** One fleet of three through everything but what needs a special setting. */
export async function commonRound(arena: Arena, contender: Contender): Promise<void> {
  const { quiet, measure } = arena;
  const round = await Round.start(arena, contender);
  const { fleet } = round;
  const { retryPeriodMs } = contender.timings;
  const settle = () => pause(retryPeriodMs * (1 + Math.random()));
  try {
    await quiet.run(async () => {
      await round.add(3);
      await fleet.leader(LONG_MS);
      const started = Math.min(...fleet.replicas.map((replica) => replica.of('started')[0]!.at));
      const { at } = await fleet.electionAfter(started, LONG_MS);
      measure(contender, 'start → leader', at - started);
    });
    await settle();

    const deletedAt = await quiet.run(async () => {
      const at = wallNow();
      await round.deleteLease();
      measure(contender, 'Lease deleted → next leader', await round.heldAgain(at));
      // whoever takes it over has said so by then
      await pause(200);
      return at;
    });
    let leader = await fleet.leader(LONG_MS);
    measure(contender, '… while two believe they lead', fleet.overlap(deletedAt));
    await settle();

    await quiet.run(async () => {
      const at = wallNow();
      leader.signal('SIGTERM');
      const next = await fleet.electionAfter(at, LONG_MS, leader);
      measure(contender, 'SIGTERM → next leader', next.at - at);
    });
    await quiet.run(() => round.add(1));
    leader = await fleet.leader(LONG_MS);
    await settle();

    await freeze(arena, contender, fleet, leader);
    leader = await fleet.leader(LONG_MS);
    await settle();

    const at = wallNow();
    leader.signal('SIGKILL');
    const next = await fleet.electionAfter(at, LONG_MS, leader);
    measure(contender, 'SIGKILL → next leader', next.at - at);
  } finally {
    await fleet.stop();
  }
}

async function freeze(arena: Arena, contender: Contender, fleet: Fleet, leader: ReplicaProcess): Promise<void> {
  leader.signal('SIGSTOP');
  await fleet.electionAfter(wallNow(), LONG_MS, leader);
  await pause(500);
  const thawedAt = await arena.quiet.run(async () => {
    const at = wallNow();
    leader.signal('SIGCONT');
    // ours are over by then; the others need not keep everybody waiting
    await pause(300);
    return at;
  });
  await until(
    () => !leader.leads,
    LONG_MS,
    () => `the frozen one gives up\n${fleet.report()}`,
  );
  const lost = leader.of('lost').at(-1)!;
  arena.measure(contender, 'leader thawed: two believe it', Math.max(0, lost.at - thawedAt));
}

/** The Lease is deleted while no watch says so. */
export async function deadWatchRound(arena: Arena, contender: Contender): Promise<void> {
  const proxy = await TcpProxy.start(arena.server.port);
  const kubeconfig = await arena.server.configFile(proxy.port);
  const round = await Round.start(arena, contender, { kubeconfig });
  try {
    await arena.quiet.run(() => round.add(3));
    await round.fleet.leader(LONG_MS);
    await until(() => proxy.watches >= 3, LONG_MS, 'three watches');
    await pause(contender.timings.retryPeriodMs * Math.random());
    proxy.freezeWatches();
    const at = wallNow();
    await round.deleteLease();
    arena.measure(contender, 'Lease deleted, watches dead → next leader', await round.heldAgain(at));
  } finally {
    await round.fleet.stop();
    await proxy.stop();
  }
}

/** The leader is killed; a second later, as a kubelet would, its pod's status says so. */
export async function kubeletRound(arena: Arena, contender: Contender): Promise<void> {
  const { server } = arena;
  const round = await Round.start(arena, contender);
  const { fleet, pods } = round;
  const containers = [{ name: 'agent', image: 'agent' }];
  try {
    await arena.quiet.run(async () => {
      for (let i = 0; i < 3; i++) {
        const body = {
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name: `agent-${i}` },
          spec: { nodeName: 'a-node', containers },
        };
        const pod = (await server.request('POST', pods, body)) as { metadata: { uid: string } };
        await round.add(1, `agent-${i}_${pod.metadata.uid}`);
      }
    });
    const leader = await fleet.leader(LONG_MS);
    // the kubelet counts in seconds: an end within the second of the election proves nothing
    await pause(1500 + 1000 * Math.random());
    const startedAt = rfc3339(leader.of('started')[0]!.at);
    const at = wallNow();
    leader.signal('SIGKILL');
    const path = `${pods}/${leader.identity.split('_')[0]!}`;
    await pause(500 + 1000 * Math.random());
    const pod = await server.request('GET', path);
    const state = { terminated: { exitCode: 137, startedAt, finishedAt: rfc3339(at) } };
    const container = { name: 'agent', image: 'agent', imageID: '', ready: false, restartCount: 0, state };
    const status = { ...(pod['status'] as object), phase: 'Running', containerStatuses: [container] };
    await server.request('PUT', `${path}/status`, { ...pod, status });
    const next = await fleet.electionAfter(at, LONG_MS, leader);
    arena.measure(contender, 'SIGKILL, kubelet’s word → next leader', next.at - at);
  } finally {
    await fleet.stop();
  }
}

/** Requests per minute of three replicas when nothing happens, counted by the API server's audit log. */
export async function requestsPerMinute(arena: Arena, contender: Contender, seconds: number): Promise<number> {
  const round = await Round.start(arena, contender);
  try {
    await arena.quiet.run(() => round.add(3));
    await round.fleet.leader(LONG_MS);
    await pause(5000);
    const from = wallNow();
    await pause(seconds * 1000);
    const to = wallNow();
    const [, namespace] = /namespaces\/([^/]+)/.exec(round.pods)!;
    const requests = new Set<string>();
    for (const line of (await readFile(arena.server.auditLog, 'utf8')).split('\n')) {
      if (!line.includes(namespace!)) continue;
      const entry = JSON.parse(line) as { auditID: string; requestReceivedTimestamp: string };
      const at = Date.parse(entry.requestReceivedTimestamp);
      if (at >= from && at < to) requests.add(entry.auditID);
    }
    return (requests.size * 60) / seconds;
  } finally {
    await round.fleet.stop();
  }
}
