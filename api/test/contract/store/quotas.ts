import { QUOTA_KINDS, type Session } from '@streamspace/protocol';
import { everySeed, Random } from '@streamspace/testkit';
import { describe, expect, it } from 'vitest';
import { addedByCreate, addedByWake, sessionsUse } from '../../../src/quotas/count.ts';
import type { QuotaLimits } from '../../../src/quotas/quotas.ts';
import type { Store } from '../../../src/store/store.ts';
import { takesRoom } from '../../../src/store/takes-room.ts';
import { command, GIB, LATER, session } from '../../support/records.ts';
import { eachWith, type MakeStore } from './harness.ts';

/** Runs of a hundred steps. */
const RUNS = 60;
let stamp = 0;

const ROOM = { maxSessions: 1e6, cpu: 1e6, memory: 1e15 };

/** Quotas, of a store on one server. */
export function quotaContract(makeStore: MakeStore): void {
  describe('[QUO2] quotas', () => {
    const given = eachWith(makeStore);
    const { create, wake } = quotaSteps(() => given.store);
    const refusal = (code: string, details: object) => expect.objectContaining({ code, details });

    it.each([
      ['sessions', 2, 2, 1, '2 of 2 sessions exist: delete one'],
      ['running', 2, 2, 1, '2 of 2 running sessions are in use: hibernate or delete one'],
      ['cpu', 2.5, 2, 1, '2 of 2.5 CPUs are in use, and the session needs 1: hibernate or delete one, or ask for less'],
      [
        'memory',
        2.5 * GIB,
        2 * GIB,
        GIB,
        '2 of 2.5 GiB of memory are in use, and the session needs 1 GiB: hibernate or delete one, or ask for less',
      ],
      [
        'storage',
        2.5 * GIB,
        2 * GIB,
        GIB,
        '2 of 2.5 GiB of storage belong to sessions, and this one needs 1 GiB: delete one, or ask for less',
      ],
    ])(
      'refuses a session beyond the limit of %s, and stores nothing of it',
      async (quota, limit, used, needed, said) => {
        const limits = { [quota]: limit };
        await create('s1', limits);
        await create('s2', limits, { agent: 'a2' });
        const refused = await create('s3', limits).catch((error: unknown) => error);
        expect(refused).toEqual(refusal('quota_exceeded', { quota, limit, used, needed }));
        expect((refused as Error).message).toBe(said);
        expect(await given.store.sessions.get('s3')).toBeUndefined();
        expect(await given.store.commands.get('c-s3')).toBeUndefined();
        expect(await create('bob', limits, { user: 'bob' })).toMatchObject({ created: true });
      },
    );

    it.each([
      ['pending', 1, 1],
      ['starting', 1, 1],
      ['running', 1, 1],
      ['hibernating', 1, 1],
      ['hibernated', 1, 0],
      ['waking', 1, 1],
      ['deleting', 1, 1],
      ['failed', 1, 0],
      ['gone', 0, 0],
    ] as const)(
      'a session that is %s is %i of the sessions and %i of the running ones',
      async (state, exists, runs) => {
        await create('s1', {});
        await given.store.sessions.update('s1', { state, updated_at: LATER });
        expect(sessionsUse(await given.store.sessions.list({ user: 'alice' }))).toEqual({
          sessions: exists,
          running: runs,
          cpu: runs,
          memory: runs * GIB,
          storage: exists * GIB,
        });
        const fits = (limits: QuotaLimits) =>
          create(`n-${JSON.stringify(limits).replaceAll(/\W+/g, '-')}x`, limits).then(
            () => given.store.sessions.remove(`n-${JSON.stringify(limits).replaceAll(/\W+/g, '-')}x`).then(() => true),
            () => false,
          );
        expect([await fits({ sessions: exists }), await fits({ sessions: exists + 1 })]).toEqual([false, true]);
        expect([await fits({ running: runs }), await fits({ running: runs + 1 })]).toEqual([false, true]);
        expect([await fits({ cpu: runs }), await fits({ cpu: runs + 1 })]).toEqual([false, true]);
        expect([await fits({ memory: runs * GIB }), await fits({ memory: (runs + 1) * GIB })]).toEqual([false, true]);
        expect([await fits({ storage: exists * GIB }), await fits({ storage: (exists + 1) * GIB })]).toEqual([
          false,
          true,
        ]);
      },
    );

    it('a create that fails, a wake that is refused and a delete give their share back in that step', async () => {
      const limits = { running: 1 };
      await create('s1', limits);
      await given.store.commands.finish('c-s1', null, { state: 'completed' }, LATER, { state: 'failed' });
      await create('s2', limits);
      await expect(wake('s1', limits)).rejects.toMatchObject({ code: 'quota_exceeded' });
      expect(await given.store.sessions.get('s1')).toMatchObject({ state: 'failed', command: 'c-s1' });
      await given.store.commands.finish('c-s2', null, { state: 'completed' }, LATER, { state: 'gone' });
      expect(await wake('s1', limits)).toBe('appended');
      await expect(create('s3', limits)).rejects.toMatchObject({ code: 'quota_exceeded' });
      await given.store.commands.finish('w-s1', null, { state: 'completed' }, LATER, { state: 'hibernated' });
      expect(await create('s3', limits)).toMatchObject({ created: true });
    });

    it('a wake adds no session and no storage: limits that were lowered do not bar it', async () => {
      await create('s1', {});
      await given.store.sessions.update('s1', { state: 'hibernated' });
      expect(await wake('s1', { sessions: 0, storage: 0, running: 1, cpu: 1, memory: GIB })).toBe('appended');
    });

    it('counts ten tenths of a CPU as one', async () => {
      for (let index = 0; index < 10; index += 1) await create(`s${index}`, { cpu: 1 }, { cpu: 0.1 });
      await expect(create('one-more', { cpu: 1 }, { cpu: 0.001 })).rejects.toMatchObject({ code: 'quota_exceeded' });
    });

    it('counts what agents report, and does not refuse it', async () => {
      await given.store.sessions.adopt(session({ id: 'found', state: 'running', command: null }));
      await expect(create('s1', { running: 1 })).rejects.toMatchObject({ code: 'quota_exceeded' });
    });

    it('a refused create leaves its idempotency key free, and a repeat of one that was accepted needs no room', async () => {
      await create('s1', { running: 1 }, {}, 'key');
      expect(await create('s2', { running: 1 }, {}, 'key')).toMatchObject({ created: false, session: { id: 's1' } });
      await expect(create('s3', { running: 1 }, {}, 'other')).rejects.toMatchObject({ code: 'quota_exceeded' });
      await given.store.sessions.update('s1', { state: 'hibernated' });
      expect(await create('s4', { running: 1 }, {}, 'other')).toMatchObject({ created: true, session: { id: 's4' } });
    });

    it('of many creates and wakes at once, as many as fit succeed', async () => {
      const limits = { running: 5 };
      for (let index = 0; index < 20; index += 1) {
        await create(`h${index}`, {}, { agent: `a${index % 3}` });
        await given.store.sessions.update(`h${index}`, { state: 'hibernated' });
      }
      const all = await Promise.allSettled(
        Array.from({ length: 20 }, (_, index) => [
          create(`s${index}`, limits, { agent: `a${index % 3}` }),
          wake(`h${index}`, limits, `a${index % 3}`),
        ]).flat(),
      );
      expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(5);
      expect(sessionsUse(await given.store.sessions.list({ user: 'alice' })).running).toBe(5);
    });

    it('never more than the limits, whatever goes on at once: seeded creates, wakes, ends and deletes', async () => {
      await everySeed(RUNS, async (seed) => {
        const random = new Random(seed);
        const user = `user-${seed}`;
        const limits = {
          sessions: 3 + random.below(8),
          running: 1 + random.below(5),
          cpu: 1 + random.below(4),
          memory: (1 + random.below(6)) * GIB,
          storage: (3 + random.below(9)) * GIB,
        };
        let made = 0;
        const step = async (): Promise<unknown> => {
          const sort = random.pick(['create', 'create', 'wake', 'end']);
          const id = `r${seed}-${random.below(1 + made)}`;
          if (sort === 'wake') return wake(id, limits);
          if (sort === 'create') {
            const size = { cpu: random.pick([0.1, 0.5, 1]), memory: random.pick([1, 2]) * GIB };
            return create(`r${seed}-${(made += 1)}`, limits, { user, agent: random.pick(['a1', 'a2', 'a3']), ...size });
          }
          const state = random.pick<Session['state']>(['running', 'hibernated', 'failed', 'deleting', 'gone']);
          const known = await given.store.sessions.get(id);
          // an agent's report does not wake what rests
          if (known === undefined || !takesRoom(known)) return undefined;
          return given.store.sessions.update(id, { state, updated_at: `${(stamp += 1)}` }, known.updated_at);
        };
        for (let round = 0; round < 10; round += 1) {
          const steps = await Promise.allSettled(Array.from({ length: 10 }, step));
          for (const each of steps)
            if (each.status === 'rejected' && each.reason.code !== 'quota_exceeded') throw each.reason;
          const use = sessionsUse(await given.store.sessions.list({ user }));
          const over = QUOTA_KINDS.find((kind) => use[kind] > limits[kind] + 1e-9);
          if (over !== undefined) throw new Error(`${use[over]} of ${limits[over]} ${over} after round ${round}`);
        }
      });
    }, 600_000);
  });
}

/** Creates and wakes sessions within limits. */
function quotaSteps(store: () => Store) {
  return {
    create: (id: string, limits: QuotaLimits, patch: Partial<Session> = {}, key?: string) => {
      const its = session({ id, command: `c-${id}`, ...patch });
      const first = command({ id: `c-${id}`, session: id, agent: its.agent, user: its.user });
      return store().sessions.create(its, first, ROOM, key, { user: its.user, limits, added: addedByCreate(its) });
    },
    wake: async (id: string, limits: QuotaLimits, agent?: string) => {
      const known = await store().sessions.get(id);
      if (known === undefined || (known.state !== 'hibernated' && known.state !== 'failed')) return undefined;
      const its = `w-${id}`;
      return store().commands.append(
        command({ id: its, action: 'wake_session', session: id, agent: agent ?? known.agent, user: known.user }),
        {
          id,
          from: { state: known.state, command: known.command },
          patch: { state: 'waking', command: its, updated_at: `${(stamp += 1)}` },
          reservation: ROOM,
          quota: { user: known.user, limits, added: addedByWake(known) },
        },
      );
    },
  };
}
