import { KubeApiserver, kubeApiserverMissing } from '@streamspace/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { TERM_ANNOTATION, type Lease } from '../../src/kubernetes/index.ts';
import { Fleet, ourProgram, wallNow, type ReplicaSettings } from '../support/fleet.ts';
import { until } from '../support/programs.ts';
import { TcpProxy } from '../support/proxy.ts';

const TIMINGS = { leaseDurationMs: 4000, renewDeadlineMs: 3000, retryPeriodMs: 1250 };
const PATIENCE_MS = 30_000;
const missing = kubeApiserverMissing();

if (missing !== undefined) {
  describe.skip(`elections on Kubernetes: not run, ${missing}`, () => {
    it('needs etcd and kube-apiserver', () => undefined);
  });
} else {
  describe('elections on Kubernetes', () => {
    let server: KubeApiserver;
    let ours: string[];
    const cleanups: (() => Promise<void>)[] = [];

    beforeAll(async () => {
      [server, ours] = await Promise.all([KubeApiserver.start(), ourProgram()]);
    }, 90_000);
    afterAll(() => server?.stop());
    afterEach(async () => {
      for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
    });

    async function fleet(settings: Partial<ReplicaSettings> = {}) {
      const namespace = await server.namespace();
      const made = new Fleet({
        kubeconfig: await server.configFile(),
        namespace,
        name: 'the-lease',
        ...TIMINGS,
        ...settings,
      });
      cleanups.push(() => made.stop());
      const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/the-lease`;
      const lease = async () => (await server.request('GET', path)) as unknown as Lease;
      return { fleet: made, path, lease };
    }

    async function proxy(): Promise<TcpProxy> {
      const made = await TcpProxy.start(server.port);
      cleanups.push(() => made.stop());
      return made;
    }

    const term = (lease: Lease) => Number(lease.metadata.annotations?.[TERM_ANNOTATION]);

    it('starts: one leader, and a Lease that others can read', async () => {
      const { fleet: three, lease } = await fleet();
      for (let i = 0; i < 3; i++) three.add(ours);
      const leader = await three.leader();
      const { spec } = await lease();
      expect(spec).toMatchObject({ holderIdentity: leader.identity, leaseDurationSeconds: 4, leaseTransitions: 0 });
      expect(spec?.renewTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
      expect(term(await lease())).toBe(1);
      const { renewTime } = spec!;
      await until(async () => (await lease()).spec?.renewTime !== renewTime, PATIENCE_MS, 'a renewal');
      expect(three.leaders).toEqual([leader]);
    });

    it('SIGTERM: hands over by a release, and leaves nothing behind that would keep its process alive', async () => {
      const { fleet: three, lease } = await fleet();
      for (let i = 0; i < 3; i++) three.add(ours);
      const leader = await three.leader();
      const at = wallNow();
      leader.signal('SIGTERM');
      const { by, reason } = await three.electionAfter(at, PATIENCE_MS, leader);
      expect(reason).toBe('released');
      await leader.program.exited;
      expect(leader.of('stopped')).toHaveLength(1);
      expect((await lease()).spec).toMatchObject({ holderIdentity: by.identity, leaseTransitions: 1 });
      expect(term(await lease())).toBe(2);
      expect(three.overlap(at)).toBe(0);
    });

    it('SIGKILL: the lease expires, another leads', async () => {
      const { fleet: three, lease } = await fleet();
      for (let i = 0; i < 3; i++) three.add(ours);
      const leader = await three.leader();
      const at = wallNow();
      leader.signal('SIGKILL');
      const { reason } = await three.electionAfter(at, PATIENCE_MS, leader);
      expect(reason).toBe('expired');
      expect(term(await lease())).toBe(2);
    });

    it('SIGKILL with the kubelet’s word: another leads before the lease expires', async () => {
      const { fleet: three, path } = await fleet({ leaseDurationMs: 600_000, renewDeadlineMs: 300_000 });
      const pods = path.replace(/\/apis.*\/namespaces/, '/api/v1/namespaces').replace(/leases.*/, 'pods');
      const names = new Map<string, string>();
      for (let i = 0; i < 3; i++) {
        const pod = (await server.request('POST', pods, {
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name: `agent-${i}` },
          spec: { nodeName: 'a-node', containers: [{ name: 'agent', image: 'agent' }] },
        })) as { metadata: { uid: string } };
        const identity = `agent-${i}_${pod.metadata.uid}`;
        names.set(identity, `agent-${i}`);
        three.add(ours, { identity });
      }
      const leader = await three.leader();
      const electedAt = leader.of('elected')[0]!.at;
      const at = wallNow();
      leader.signal('SIGKILL');
      const seconds = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z/, 'Z');
      const pod = (await server.request('GET', `${pods}/${names.get(leader.identity)!}`)) as { status: object };
      await server.request('PUT', `${pods}/${names.get(leader.identity)!}/status`, {
        ...pod,
        status: {
          ...pod.status,
          phase: 'Running',
          containerStatuses: [
            {
              name: 'agent',
              image: 'agent',
              imageID: '',
              ready: false,
              restartCount: 0,
              state: { terminated: { exitCode: 137, startedAt: seconds(electedAt), finishedAt: seconds(at + 1000) } },
            },
          ],
        },
      });
      const { reason } = await three.electionAfter(at, PATIENCE_MS, leader);
      expect(reason).toBe('holder_gone');
    });

    it('the Lease is deleted: it is made anew at once with a greater term, the old leader is inert', async () => {
      const { fleet: three, path, lease } = await fleet({ keep: true });
      for (let i = 0; i < 3; i++) three.add(ours);
      const leader = await three.leader();
      for (let round = 0; round < 3; round++) {
        const at = wallNow();
        await server.request('DELETE', path);
        const { reason } = await three.electionAfter(at, PATIENCE_MS);
        expect(reason).toBe('deleted');
        await three.leader();
      }
      expect(leader.of('lost')[0]).toMatchObject({ reason: 'deleted', term: 1 });
      expect(term(await lease())).toBe(4);
    });

    it('failure 15: the Lease is deleted while every watch is a half-open connection', async () => {
      const between = await proxy();
      const { fleet: three, path, lease } = await fleet({ kubeconfig: await server.configFile(between.port) });
      for (let i = 0; i < 3; i++) three.add(ours);
      await three.leader();
      await until(() => between.watches >= 3, PATIENCE_MS, 'three watches');
      between.freezeWatches();
      const at = wallNow();
      await server.request('DELETE', path);
      await three.electionAfter(at, PATIENCE_MS);
      expect(term(await lease())).toBe(2);
      // the dead watches are replaced
      await until(() => between.watches >= 3, PATIENCE_MS, 'three watches again');
    });

    it('failure 15: a leader is killed while every watch is a half-open connection', async () => {
      const between = await proxy();
      const { fleet: three } = await fleet({ kubeconfig: await server.configFile(between.port) });
      for (let i = 0; i < 3; i++) three.add(ours);
      const leader = await three.leader();
      await until(() => between.watches >= 3, PATIENCE_MS, 'three watches');
      between.freezeWatches();
      const at = wallNow();
      leader.signal('SIGKILL');
      await three.electionAfter(at, PATIENCE_MS, leader);
    });

    it('the leader is stopped for longer than its lease, and thawed: it loses, and is a standby again', async () => {
      const { fleet: three, lease } = await fleet({ keep: true });
      for (let i = 0; i < 3; i++) three.add(ours);
      const leader = await three.leader();
      leader.signal('SIGSTOP');
      const at = wallNow();
      const next = await three.electionAfter(at, PATIENCE_MS, leader);
      expect(next.reason).toBe('expired');
      leader.signal('SIGCONT');
      await until(
        () => leader.of('lost').length === 1,
        PATIENCE_MS,
        () => `the loss\n${three.report()}`,
      );
      expect(leader.of('lost')[0]).toMatchObject({ reason: 'superseded', term: 1 });
      expect((await lease()).spec?.holderIdentity).toBe(next.by.identity);
      // back in the race
      for (const replica of three.replicas) if (replica !== leader) replica.signal('SIGTERM');
      expect((await three.electionAfter(wallNow() - 1, PATIENCE_MS, next.by)).by).toBe(leader);
    });

    it('the leader is cut off: another leads; healed, it is a standby', async () => {
      const between = await proxy();
      const { fleet: three } = await fleet();
      const cut = three.add(ours, { kubeconfig: await server.configFile(between.port) });
      await until(() => cut.leads, PATIENCE_MS, 'the first leader');
      three.add(ours);
      three.add(ours);
      await until(
        () => three.replicas.every((replica) => replica.of('started').length === 1),
        PATIENCE_MS,
        'all start',
      );
      between.freezeAll();
      const at = wallNow();
      await three.electionAfter(at, PATIENCE_MS, cut);
      expect(cut.of('lost')).toMatchObject([{ reason: 'renew_deadline' }]);
      expect(three.overlap(at)).toBe(0);
      between.heal();
      for (const replica of three.replicas) if (replica !== cut) replica.signal('SIGTERM');
      await until(
        () => cut.leads,
        PATIENCE_MS,
        () => `the first one leads again\n${three.report()}`,
      );
    });

    it('[I2] the API server is killed and comes back: the leader leads on, term and all', async () => {
      const { fleet: three, lease } = await fleet({ keep: true });
      for (let i = 0; i < 3; i++) three.add(ours);
      const leader = await three.leader();
      await server.down();
      const until20 = wallNow() + 20_000;
      await until(() => wallNow() > until20 && leader.of('error').length > 3, 40_000, 'an outage');
      expect(three.leaders).toEqual([leader]);
      await server.up();
      const { renewTime } = (await lease()).spec!;
      await until(async () => (await lease()).spec?.renewTime !== renewTime, PATIENCE_MS, 'a renewal');
      const { spec } = await lease();
      expect(spec).toMatchObject({ holderIdentity: leader.identity, leaseTransitions: 0 });
      expect(term(await lease())).toBe(1);
      expect(three.replicas.flatMap((replica) => replica.of('elected'))).toHaveLength(1);
    }, 90_000);

    it('clocks that are hours apart make no difference', async () => {
      const { fleet: three } = await fleet();
      three.add(ours, { clockOffsetMs: -3 * 3_600_000 });
      three.add(ours, { clockOffsetMs: 5 * 3_600_000 });
      three.add(ours);
      for (let round = 0; round < 2; round++) {
        const leader = await three.leader();
        const at = wallNow();
        leader.signal(round === 0 ? 'SIGKILL' : 'SIGTERM');
        await three.electionAfter(at, PATIENCE_MS, leader);
        expect(three.overlap(at)).toBe(0);
      }
    });

    it('leads and loses twenty times in one process, which leaves no connection and no timer behind', async () => {
      const { fleet: one, path } = await fleet({ keep: true });
      const replica = one.add(ours);
      for (let round = 1; round <= 20; round++) {
        await until(
          () => replica.of('elected').length === round,
          PATIENCE_MS,
          () => `election ${round}\n${one.report()}`,
        );
        if (round < 20) await server.request('DELETE', path);
      }
      replica.signal('SIGTERM');
      await replica.program.exited;
      expect(replica.of('stopped')).toHaveLength(1);
      expect(replica.of('elected').map((event) => event.term)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    });
  });
}
