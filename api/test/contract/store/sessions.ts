import { describe, expect, it } from 'vitest';
import { AT, claim, command, GIB, LATER, ROOM, session } from '../../support/records.ts';
import { eachWith, type MakeStore } from './harness.ts';

export function sessionContract(makeStore: MakeStore): void {
  describe('sessions', () => {
    const given = eachWith(makeStore);
    const sessions = () => given.store.sessions;
    const create = (id: string, patch: Parameters<typeof session>[0] = {}, room = ROOM, key?: string) =>
      sessions().create(
        session({ id, command: `c-${id}`, ...patch }),
        command({ id: `c-${id}`, session: id }),
        room,
        key,
      );

    it('[CMD2] stores a session and its command in one step', async () => {
      expect(await create('s1')).toEqual({
        created: true,
        session: session({ command: 'c-s1' }),
        command: command({ id: 'c-s1' }),
      });
      expect(await sessions().get('s1')).toEqual(session({ command: 'c-s1' }));
      expect(await given.store.commands.open('a1')).toEqual([command({ id: 'c-s1' })]);
    });

    it.each([
      ['max_sessions', { ...ROOM, maxSessions: 2 }],
      ['cpu', { ...ROOM, cpu: 2.5 }],
      ['memory', { ...ROOM, memory: 2.5 * GIB }],
    ])('failure 12: refuses a session beyond the %s of the agent, and stores nothing of it', async (_what, room) => {
      await create('s1', {}, room);
      await create('s2', {}, room);
      expect(await create('s3', {}, room)).toBe('at_capacity');
      expect(await sessions().get('s3')).toBeUndefined();
      expect(await given.store.commands.get('c-s3')).toBeUndefined();
      expect(await create('elsewhere', { agent: 'a2' }, room)).toMatchObject({ created: true });
    });

    it('refuses a session on an agent that is drained, whatever placement has seen', async () => {
      await given.store.agents.claim(claim());
      await given.store.agents.setDraining('a1', true);
      expect(await create('s1')).toBe('at_capacity');
      expect(await sessions().get('s1')).toBeUndefined();
      await given.store.agents.setDraining('a1', false);
      expect(await create('s2')).toMatchObject({ created: true });
    });

    it('failure 12: of many created at once there are never more than fit', async () => {
      const results = await Promise.all(
        Array.from({ length: 20 }, (_, index) => create(`s${index}`, {}, { ...ROOM, cpu: 3 })),
      );
      expect(results.filter((result) => result !== 'at_capacity')).toHaveLength(3);
      expect(await sessions().list({ agent: 'a1' })).toHaveLength(3);
    });

    it('adds up fractions of CPUs without drifting: ten tenths are one', async () => {
      for (let index = 0; index < 10; index += 1)
        expect(await create(`s${index}`, { cpu: 0.1 }, { ...ROOM, cpu: 1, maxSessions: 99 })).not.toBe('at_capacity');
      const tight = { ...ROOM, cpu: 0.3 };
      await create('tenth', { cpu: 0.1, agent: 'a2' }, tight);
      expect(await create('two-tenths', { cpu: 0.2, agent: 'a2' }, tight)).toMatchObject({ created: true });
      expect(await create('one-more', { cpu: 0.1 }, { ...ROOM, cpu: 1, maxSessions: 99 })).toBe('at_capacity');
    });

    it('has room again when sessions rest or are gone', async () => {
      const room = { ...ROOM, maxSessions: 1 };
      for (const state of ['hibernated', 'failed', 'gone'] as const) {
        expect(await create(`s-${state}`, {}, room)).toMatchObject({ created: true });
        await sessions().update(`s-${state}`, { state });
      }
      expect(await create('s-next', {}, room)).toMatchObject({ created: true });
    });

    it('V9 changes a name apart from the state: neither makes the other miss', async () => {
      await create('s1');
      const { updated_at: before } = (await sessions().get('s1'))!;
      expect(await sessions().update('s1', { name: 'Renamed' })).toMatchObject({ name: 'Renamed', updated_at: before });
      expect(await sessions().update('s1', { state: 'running', updated_at: LATER }, before)).toMatchObject({
        name: 'Renamed',
        state: 'running',
      });
      expect(await sessions().update('none', { name: 'Renamed' })).toBeUndefined();
    });

    it('gives the earlier pair to a repeat with the same key, whatever room there is', async () => {
      const first = await create('s1', {}, ROOM, 'key');
      const again = await create('s2', {}, { ...ROOM, maxSessions: 0 }, 'key');
      expect(again).toEqual({ ...(first as object), created: false });
      expect(await sessions().get('s2')).toBeUndefined();
      expect(await given.store.commands.get('c-s2')).toBeUndefined();
      expect(await sessions().created('alice', 'key')).toMatchObject({
        session: { id: 's1' },
        command: { id: 'c-s1' },
      });
      expect(await sessions().created('alice', 'another')).toBeUndefined();
    });

    it('shows a repeat how session and command are now', async () => {
      await create('s1', {}, ROOM, 'key');
      await given.store.commands.finish('c-s1', null, { state: 'completed' }, LATER, { state: 'running' });
      expect(await create('s2', {}, ROOM, 'key')).toMatchObject({
        session: { state: 'running' },
        command: { state: 'completed' },
      });
    });

    it("keeps users' keys apart", async () => {
      await create('s1', {}, ROOM, 'key');
      expect(await create('s2', { user: 'bob' }, ROOM, 'key')).toMatchObject({ created: true });
      expect(await sessions().created('bob', 'key')).toMatchObject({ session: { id: 's2' } });
    });

    it('makes one session of many creates with the same key at once', async () => {
      const results = await Promise.all(Array.from({ length: 10 }, (_, index) => create(`s${index}`, {}, ROOM, 'key')));
      expect(results.filter((result) => result !== 'at_capacity' && result.created)).toHaveLength(1);
      expect(await sessions().list({ user: 'alice' })).toHaveLength(1);
    });

    it('remembers no key of a session that had no room', async () => {
      expect(await create('s1', {}, { ...ROOM, maxSessions: 0 }, 'key')).toBe('at_capacity');
      expect(await create('s2', {}, ROOM, 'key')).toMatchObject({ created: true, session: { id: 's2' } });
    });

    it('changes a session, if it is still as expected', async () => {
      await create('s1');
      expect(await sessions().update('s1', { state: 'running', updated_at: LATER }, AT)).toMatchObject({
        state: 'running',
        name: 'Desktop',
      });
      expect(await sessions().update('s1', { state: 'failed' }, AT)).toBeUndefined();
      expect(await sessions().update('s1', { reason: 'because' })).toMatchObject({
        state: 'running',
        reason: 'because',
      });
      expect(await sessions().update('unknown', { state: 'failed' })).toBeUndefined();
    });

    it('lets one of two change what both have read', async () => {
      await create('s1');
      const results = await Promise.all(
        [1, 2, 3].map((n) => sessions().update('s1', { name: `n${n}`, updated_at: LATER }, AT)),
      );
      expect(results.filter((result) => result !== undefined)).toHaveLength(1);
    });

    it('[SES3] learns a session from a report, and leaves one that it knows alone', async () => {
      const reported = session({ id: 'found', state: 'running', command: null });
      expect(await sessions().adopt(reported)).toEqual(reported);
      expect(await sessions().adopt({ ...reported, state: 'failed' })).toEqual(reported);
      await given.store.agents.claim(claim());
      expect(await given.store.agents.get('a1')).toMatchObject({ active_sessions: 1 });
    });

    it('lists by user and by agent, and forgets what is removed', async () => {
      await create('s1');
      await create('s2', { user: 'bob' });
      await create('s3', { user: 'bob', agent: 'a2' });
      const ids = async (filter: { user?: string; agent?: string }) =>
        (await sessions().list(filter)).map(({ id }) => id).toSorted();
      expect(await ids({})).toEqual(['s1', 's2', 's3']);
      expect(await ids({ user: 'bob' })).toEqual(['s2', 's3']);
      expect(await ids({ agent: 'a1' })).toEqual(['s1', 's2']);
      expect(await ids({ user: 'bob', agent: 'a1' })).toEqual(['s2']);
      expect(await ids({ user: 'nobody' })).toEqual([]);
      await sessions().remove('s2');
      await sessions().remove('unknown');
      expect(await ids({ user: 'bob' })).toEqual(['s3']);
      expect(await sessions().get('s2')).toBeUndefined();
    });

    it('hands out copies', async () => {
      await create('s1');
      (await sessions().get('s1'))!.name = 'changed';
      (await sessions().list({}))[0]!.name = 'changed';
      expect(await sessions().get('s1')).toMatchObject({ name: 'Desktop' });
    });
  });
}
