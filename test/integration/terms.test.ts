import { MAX_TERM } from '@streamspace/protocol';
import { systemClock } from 'clock-port';
import type { LeaseRecord } from 'lease-elector';
import { MemoryLease } from 'lease-elector/memory/index';
import { afterEach, describe, expect, it } from 'vitest';
import { type AgentUnderTest, startAgent } from '../../agent/test/support/agent.ts';
import { TestHub } from '../../api/test/support/hub.ts';
import { until } from '../support/until.ts';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

describe('terms of an edited lease, with three replicas and their hub', () => {
  it.each([MAX_TERM + 1, MAX_TERM, MAX_TERM - 2 ** 32 - 1])(
    'K5 %d: the agent is served again and again, by nobody with the term of another',
    async (term) => {
      const hub = await TestHub.start();
      ends.push(() => hub.stop());
      const lease = new MemoryLease('lease', systemClock);
      const token = await hub.credential('a1');
      const agents = new Map<string, AgentUnderTest>();
      for (const name of ['r1', 'r2', 'r3']) {
        const env = { AGENT_ID: 'a1', AGENT_TOKEN: token };
        const agent = await startAgent({ url: hub.url, env, lock: lease.lock(), name });
        ends.push(() => agent.stop());
        agents.set(name, agent);
      }
      const served: { leader: string; term: number }[] = [];
      const anew = (what: string) =>
        until(what, async () => {
          const record = await hub.store.agents.get('a1');
          if (record?.connected !== true || served.some((before) => before.term === record.term)) return undefined;
          served.push({ leader: record.leader!, term: record.term });
          return true;
        });
      await anew('served');
      const edit = async (change: Partial<LeaseRecord>) => {
        const { record, version } = lease.state!;
        await lease.lock().update({ ...record, ...change }, version, AbortSignal.timeout(5_000));
      };
      // as `kubectl annotate` does, in parallel with the renewals
      await until('the lease is edited', () => edit({ term, holder: '' }).then(() => true));
      for (let changes = 1; changes <= 3; changes++) {
        await anew(`served after ${changes} changes`);
        if (changes < 3) agents.get(served.at(-1)!.leader)!.elector!.yield('for the test', 2_000);
      }
      expect(served.map((one) => one.term)).toEqual(served.map((one) => one.term).toSorted((a, b) => a - b));
      expect(served.at(-1)!.term).toBeLessThan(MAX_TERM);
    },
    60_000,
  );
});
