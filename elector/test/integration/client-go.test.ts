import { KubeApiserver, kubeApiserverMissing } from '@streamspace/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { TERM_ANNOTATION, type Lease } from '../../src/kubernetes/index.ts';
import { clientGoProgram, Fleet, ourProgram, wallNow } from '../support/fleet.ts';
import { find, until } from '../support/programs.ts';

const go = await find('go', '/usr/local/go/bin');
const missing = kubeApiserverMissing() ?? (go ? undefined : 'no go on the PATH');
const PATIENCE_MS = 30_000;

if (missing !== undefined) {
  describe.skip(`beside client-go's elector: not run, ${missing}`, () => {
    it('needs etcd, kube-apiserver and go', () => undefined);
  });
} else {
  describe('beside client-go’s elector', () => {
    let server: KubeApiserver;
    let ours: string[];
    let theirs: string[];
    let fleet: Fleet;
    let lease: () => Promise<Lease>;

    beforeAll(async () => {
      const built = await clientGoProgram();
      if ('missing' in built) throw new Error(built.missing);
      theirs = built;
      [server, ours] = await Promise.all([KubeApiserver.start(), ourProgram()]);
    }, 600_000);
    afterAll(() => server?.stop());
    afterEach(() => fleet?.stop());

    async function start(): Promise<void> {
      const namespace = await server.namespace();
      const kubeconfig = await server.configFile();
      const timings = { leaseDurationMs: 4000, renewDeadlineMs: 3000, retryPeriodMs: 1000 };
      fleet = new Fleet({ kubeconfig, namespace, name: 'the-lease', ...timings });
      const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/the-lease`;
      lease = async () => (await server.request('GET', path)) as unknown as Lease;
    }
    const term = async () => Number((await lease()).metadata.annotations?.[TERM_ANNOTATION] ?? 0);

    it('takes over from it, when it releases and when it is killed, with a term that grows', async () => {
      await start();
      const first = fleet.add(theirs);
      await until(() => first.leads, PATIENCE_MS, 'client-go leads');
      const us = fleet.add(ours);
      await until(() => us.of('started').length > 0, PATIENCE_MS, 'ours starts');
      let at = wallNow();
      first.signal('SIGTERM');
      expect(await fleet.electionAfter(at, PATIENCE_MS, first)).toMatchObject({ by: us, term: 1 });
      const second = fleet.add(theirs);
      await until(() => second.of('started').length > 0, PATIENCE_MS, 'another client-go starts');
      at = wallNow();
      us.signal('SIGTERM');
      expect((await fleet.electionAfter(at, PATIENCE_MS, us)).by).toBe(second);
      expect(await term()).toBe(1);
      const again = fleet.add(ours);
      await until(() => again.of('started').length > 0, PATIENCE_MS, 'ours starts again');
      at = wallNow();
      second.signal('SIGKILL');
      expect(await fleet.electionAfter(at, PATIENCE_MS, second)).toMatchObject({ by: again, term: 2 });
      expect((await lease()).spec).toMatchObject({ holderIdentity: again.identity, leaseTransitions: 3 });
    });

    it('never two that lead, whoever hands over to whom', async () => {
      await start();
      const from = wallNow();
      for (const command of [ours, theirs, ours, theirs]) fleet.add(command);
      for (let round = 0; round < 8; round++) {
        const leader = await fleet.leader();
        const { spec } = await lease();
        expect(spec?.holderIdentity).toBe(leader.identity);
        const at = wallNow();
        leader.signal(round % 4 === 3 ? 'SIGKILL' : 'SIGTERM');
        fleet.add(round % 2 === 0 ? theirs : ours);
        await fleet.electionAfter(at, PATIENCE_MS, leader);
      }
      expect(fleet.overlap(from)).toBe(0);
      const elections = fleet.replicas.flatMap((replica) => replica.of('elected')).toSorted((a, b) => a.at - b.at);
      const terms = elections.flatMap((event) => (event.term === undefined ? [] : [event.term]));
      expect(terms.length).toBeGreaterThan(0);
      terms.forEach((value, i) => expect(value).toBeGreaterThan(terms[i - 1] ?? 0));
    }, 180_000);
  });
}
