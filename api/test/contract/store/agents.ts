import { describe, expect, it } from 'vitest';
import { AT, beat, CAPACITY, claim, command, GIB, LATER, ROOM, session } from '../../support/records.ts';
import { eachWith, type MakeStore } from './harness.ts';

export function agentContract(makeStore: MakeStore): void {
  describe('agents', () => {
    const given = eachWith(makeStore);
    const agents = () => given.store.agents;

    it('[TERM2] accepts a first connection and shows what it said of itself', async () => {
      expect(await agents().claim(claim({ term: 3 }, { priority: 'high' }))).toEqual({ accepted: true, term: 3 });
      expect(await agents().get('a1')).toEqual({
        id: 'a1',
        platform: 'process',
        region: 'eu',
        priority: 'high',
        status: 'online',
        status_reason: null,
        draining: false,
        connected: true,
        last_heartbeat: null,
        connected_since: AT,
        capacity: CAPACITY,
        active_sessions: 0,
        used: { cpu: 0, memory: 0 },
        leader: 'r1',
        term: 3,
        replicas: [{ name: 'r1', role: 'leader', since: AT }],
        election: null,
        build: 'test',
        connection_id: 'conn-r1-3',
        hub: 'h1',
      });
    });

    it('[TERM2] accepts a greater term from another replica, and names the connection that it replaces', async () => {
      await agents().claim(claim({ term: 3 }));
      const second = claim({ term: 4, replica: 'r2', hub: 'h2' });
      expect(await agents().claim(second)).toEqual({
        accepted: true,
        term: 4,
        previous: { connectionId: 'conn-r1-3', hub: 'h1' },
      });
      expect(await agents().get('a1')).toMatchObject({ leader: 'r2', term: 4, hub: 'h2', connection_id: 'conn-r2-4' });
    });

    it('[TERM2] accepts the same term again from the same replica', async () => {
      await agents().claim(claim({ term: 3 }));
      expect(await agents().claim(claim({ term: 3, connectionId: 'again' }))).toMatchObject({
        accepted: true,
        term: 3,
      });
      expect(await agents().get('a1')).toMatchObject({ connection_id: 'again' });
    });

    it('[TERM3] refuses the same term from another replica, and any lower one, with its own term', async () => {
      await agents().claim(claim({ term: 3 }));
      const refused = { accepted: false, code: 'stale_term', term: 3, replica: 'r1', connectionId: 'conn-r1-3' };
      expect(await agents().claim(claim({ term: 3, replica: 'r2' }))).toEqual(refused);
      expect(await agents().claim(claim({ term: 2, replica: 'r2' }))).toEqual(refused);
      expect(await agents().claim(claim({ term: 2 }))).toEqual(refused);
      expect(await agents().get('a1')).toMatchObject({ leader: 'r1', connection_id: 'conn-r1-3' });
    });

    it('[TERM2] keeps the last term when the agent goes away: an old one is still refused', async () => {
      await agents().claim(claim({ term: 3 }));
      await agents().release('a1', 'conn-r1-3', LATER);
      expect(await agents().claim(claim({ term: 3, replica: 'r2' }))).toEqual({
        accepted: false,
        code: 'stale_term',
        term: 3,
        replica: 'r1',
      });
      expect(await agents().claim(claim({ term: 2 }))).toMatchObject({ accepted: false });
      expect(await agents().claim(claim({ term: 3 }))).toEqual({ accepted: true, term: 3 });
    });

    it('[TERM4] gives term 0 the next one when nobody is connected', async () => {
      expect(await agents().claim(claim({ term: 0 }))).toEqual({ accepted: true, term: 1 });
      await agents().release('a1', 'conn-r1-0', LATER);
      expect(await agents().claim(claim({ term: 0, replica: 'r2' }))).toEqual({ accepted: true, term: 2 });
    });

    it('[TERM4] refuses term 0 while somebody is connected, unless the holder may be replaced', async () => {
      await agents().claim(claim({ term: 0 }));
      const newcomer = { term: 0, replica: 'r2' };
      expect(await agents().claim(claim(newcomer))).toEqual({
        accepted: false,
        code: 'duplicate_agent',
        term: 1,
        replica: 'r1',
        connectionId: 'conn-r1-0',
      });
      expect(await agents().claim(claim({ ...newcomer, takeover: 'some-other-connection' }))).toMatchObject({
        accepted: false,
      });
      expect(await agents().claim(claim({ ...newcomer, takeover: true }))).toEqual({
        accepted: true,
        term: 2,
        previous: { connectionId: 'conn-r1-0', hub: 'h1' },
      });
    });

    it('[TERM4] lets one of two newcomers replace the same dead holder', async () => {
      await agents().claim(claim({ term: 0 }));
      const results = await Promise.all(
        ['r2', 'r3'].map((replica) => agents().claim(claim({ term: 0, replica, takeover: 'conn-r1-0' }))),
      );
      expect(results.filter((result) => result.accepted)).toHaveLength(1);
    });

    it('[TERM2] accepts exactly one of many that claim the same term at once', async () => {
      const results = await Promise.all(
        Array.from({ length: 20 }, (_, index) => agents().claim(claim({ term: 7, replica: `r${index}` }))),
      );
      expect(results.filter((result) => result.accepted)).toHaveLength(1);
      const holder = results.findIndex((result) => result.accepted);
      expect(await agents().get('a1')).toMatchObject({ leader: `r${holder}`, term: 7 });
    });

    it('[TERM2] ends with the greatest of many terms claimed at once', async () => {
      const terms = [5, 2, 9, 1, 7, 9, 3];
      await Promise.all(terms.map((term, index) => agents().claim(claim({ term, replica: `r${index}` }))));
      expect((await agents().get('a1'))?.term).toBe(9);
    });

    it('failure 7: the end of an old connection does not evict its successor', async () => {
      await agents().claim(claim({ term: 1 }));
      await agents().claim(claim({ term: 2, replica: 'r2' }));
      expect(await agents().release('a1', 'conn-r1-1', LATER)).toBe(false);
      expect(await agents().get('a1')).toMatchObject({ connected: true, connection_id: 'conn-r2-2' });
    });

    it('marks a released agent as offline, once', async () => {
      await agents().claim(claim());
      expect(await agents().release('a1', 'conn-r1-1', LATER)).toBe(true);
      expect(await agents().get('a1')).toMatchObject({
        connected: false,
        status: 'offline',
        connection_id: null,
        hub: null,
        connected_since: null,
        away_since: LATER,
      });
      await agents().claim(claim({ term: 2 }));
      // K9: one that is not expected back
      expect(await agents().release('a1', 'conn-r1-2', null)).toBe(true);
      expect(await agents().get('a1')).toMatchObject({ connected: false, away_since: null });
      expect(await agents().release('a1', 'conn-r1-1', LATER)).toBe(false);
      expect(await agents().release('nobody', 'conn', LATER)).toBe(false);
    });

    it('stores heartbeats of the connection that holds the agent, and no other', async () => {
      await agents().claim(claim());
      const replicas = [{ name: 'r1', role: 'leader' as const, since: AT }];
      const capacity = { cpu: 4, memory: GIB, max_sessions: 2 };
      expect(
        await agents().heartbeat(
          'a1',
          'conn-r1-1',
          beat({ status: 'warning', replicas, capacity, active_sessions: 99, isolation: 'one_user' }),
          LATER,
        ),
      ).toBe(true);
      expect(await agents().get('a1')).toMatchObject({
        status: 'warning',
        replicas,
        capacity,
        last_heartbeat: LATER,
        active_sessions: 0,
        isolation: 'one_user',
      });
      expect(await agents().heartbeat('a1', 'another', beat({ status: 'error' }), LATER)).toBe(false);
      expect(await agents().heartbeat('nobody', 'conn-r1-1', beat(), LATER)).toBe(false);
      expect(await agents().get('a1')).toMatchObject({ status: 'warning' });
    });

    it('shows a draining agent as offline, and what it reports when it is taken back', async () => {
      expect(await agents().setDraining('a1', true)).toBeUndefined();
      await agents().claim(claim());
      await agents().heartbeat('a1', 'conn-r1-1', beat({ status: 'warning' }), LATER);
      expect(await agents().setDraining('a1', true)).toMatchObject({
        draining: true,
        status: 'offline',
        connected: true,
      });
      await agents().claim(claim({ term: 2 }));
      expect(await agents().get('a1')).toMatchObject({ draining: true, status: 'offline' });
      expect(await agents().setDraining('a1', false)).toMatchObject({ draining: false, status: 'online' });
    });

    it('failure 12: counts what live sessions use', async () => {
      await agents().claim(claim());
      expect(await agents().get('a1')).toMatchObject({ active_sessions: 0 });
      const states = [
        'pending',
        'running',
        'hibernating',
        'waking',
        'deleting',
        'hibernated',
        'failed',
        'gone',
      ] as const;
      for (const [index, state] of states.entries()) {
        const id = `s${index}`;
        await given.store.sessions.create(
          session({ id, cpu: 0.5, state }),
          command({ id: `c${index}`, session: id }),
          ROOM,
        );
      }
      expect(await agents().get('a1')).toMatchObject({ active_sessions: 5, used: { cpu: 2.5, memory: 5 * GIB } });
      await given.store.sessions.update('s1', { state: 'hibernated' });
      await given.store.sessions.remove('s0');
      expect(await agents().get('a1')).toMatchObject({ active_sessions: 3, used: { cpu: 1.5, memory: 3 * GIB } });
    });

    it('lists agents in the order of their ids', async () => {
      for (const agentId of ['b', 'c', 'a']) await agents().claim(claim({ agentId }));
      expect((await agents().list()).map(({ id }) => id)).toEqual(['a', 'b', 'c']);
      expect(await agents().get('d')).toBeUndefined();
    });

    it('hands out copies', async () => {
      await agents().claim(claim());
      (await agents().get('a1'))!.term = 99;
      expect(await agents().get('a1')).toMatchObject({ term: 1 });
    });
  });
}
