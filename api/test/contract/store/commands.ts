import { beforeEach, describe, expect, it } from 'vitest';
import { AT, claim, command, LATER, ROOM, session } from '../../support/records.ts';
import { eachWith, type MakeStore } from './harness.ts';

const ERROR = { code: 'driver_failed', message: 'no', retryable: false };
const FAILED = { state: 'failed', error: ERROR } as const;
const DONE = { state: 'completed' } as const;

export function commandContract(makeStore: MakeStore): void {
  describe('commands', () => {
    const given = eachWith(makeStore);
    const commands = () => given.store.commands;
    const CONN = 'conn-r1-1';

    beforeEach(async () => {
      await given.store.agents.claim(claim());
    });

    it('[CMD2] keeps what is appended, in the order of acceptance, until it is final', async () => {
      for (const id of ['c3', 'c1', 'c2'])
        expect(await commands().append(command({ id, session: null }))).toBe('appended');
      await commands().append(command({ id: 'other', agent: 'a2' }));
      expect((await commands().open('a1')).map(({ id }) => id)).toEqual(['c3', 'c1', 'c2']);
      await commands().markSent('c3', CONN, LATER);
      await commands().finish('c1', null, DONE, LATER);
      expect((await commands().open('a1')).map(({ id }) => id)).toEqual(['c3', 'c2']);
      expect(await commands().open('nobody')).toEqual([]);
      expect(await commands().get('unknown')).toBeUndefined();
    });

    it('reads what is open page by page, on from where the last one ended', async () => {
      const ids = (page: { commands: { id: string }[] }) => page.commands.map(({ id }) => id);
      expect(await commands().next('a1', 0, 2)).toEqual({ commands: [], last: 0 });
      for (const id of ['c1', 'c2', 'c3', 'c4', 'c5']) await commands().append(command({ id, session: null }));
      await commands().finish('c1', null, DONE, LATER);
      const first = await commands().next('a1', 0, 2);
      expect(ids(first)).toEqual(['c2', 'c3']);
      expect(first.commands[0]).toEqual(await commands().get('c2'));
      await commands().finish('c4', null, DONE, LATER);
      const second = await commands().next('a1', first.last, 2);
      expect(ids(second)).toEqual(['c5']);
      expect(await commands().next('a1', second.last, 2)).toEqual({ commands: [], last: second.last });
      await commands().append(command({ id: 'c6', session: null }));
      expect(ids(await commands().next('a1', second.last, 2))).toEqual(['c6']);
      // who begins anew sees all again
      expect(ids(await commands().next('a1', 0, 10))).toEqual(['c2', 'c3', 'c5', 'c6']);
    });

    it('[CMD3] counts attempts, and knows which connection has the current one', async () => {
      await commands().append(command());
      expect(await commands().markSent('c1', CONN, LATER)).toMatchObject({
        state: 'sent',
        attempt: 1,
        connection_id: CONN,
        updated_at: LATER,
      });
      await commands().markAck('c1', 1, CONN, LATER);
      expect(await commands().markSent('c1', CONN, LATER)).toMatchObject({ state: 'sent', attempt: 2 });
      expect(await commands().get('c1')).toMatchObject({ state: 'sent', attempt: 2 });
    });

    it('[CMD3] is sent only on the connection that holds the agent', async () => {
      await commands().append(command());
      await given.store.agents.claim(claim({ term: 2, replica: 'r2' }));
      expect(await commands().markSent('c1', CONN, LATER)).toBeUndefined();
      expect(await commands().markSent('unknown', 'conn-r2-2', LATER)).toBeUndefined();
      expect(await commands().markSent('c1', 'conn-r2-2', LATER)).toMatchObject({ attempt: 1 });
      await given.store.agents.release('a1', 'conn-r2-2', LATER);
      expect(await commands().markSent('c1', 'conn-r2-2', LATER)).toBeUndefined();
    });

    it('[CMD3] takes an ack of the current attempt on its connection, once', async () => {
      await commands().append(command());
      expect(await commands().markAck('c1', 1, CONN, LATER)).toBeUndefined();
      await commands().markSent('c1', CONN, LATER);
      await commands().markSent('c1', CONN, LATER);
      expect(await commands().markAck('c1', 1, CONN, LATER)).toBeUndefined();
      expect(await commands().markAck('c1', 2, 'another', LATER)).toBeUndefined();
      expect(await commands().markAck('c1', 2, CONN, LATER)).toMatchObject({ state: 'ack', attempt: 2 });
      expect(await commands().markAck('c1', 2, CONN, LATER)).toBeUndefined();
    });

    it('[CMD3] takes a result of the current attempt on its connection only', async () => {
      await commands().append(command());
      await commands().markSent('c1', CONN, LATER);
      await commands().markSent('c1', CONN, LATER);
      expect(await commands().finish('c1', { number: 1, connectionId: CONN }, DONE, LATER)).toBeUndefined();
      expect(await commands().finish('c1', { number: 2, connectionId: 'another' }, DONE, LATER)).toBeUndefined();
      expect(await commands().finish('c1', { number: 2, connectionId: CONN }, DONE, LATER)).toMatchObject({
        command: { state: 'completed', error: null },
      });
    });

    it('[CON6] what a superseded connection says has no effect, even before the command is sent again', async () => {
      await commands().append(command());
      await commands().markSent('c1', CONN, LATER);
      await given.store.agents.claim(claim({ term: 2, replica: 'r2' }));
      expect(await commands().markAck('c1', 1, CONN, LATER)).toBeUndefined();
      expect(await commands().finish('c1', { number: 1, connectionId: CONN }, DONE, LATER)).toBeUndefined();
      expect(await commands().get('c1')).toMatchObject({ state: 'sent' });
    });

    it('[CMD1] never changes a final state', async () => {
      await commands().append(command());
      await commands().markSent('c1', CONN, LATER);
      expect(await commands().finish('c1', { number: 1, connectionId: CONN }, FAILED, LATER)).toMatchObject({
        command: { state: 'failed', error: ERROR },
      });
      expect(await commands().finish('c1', { number: 1, connectionId: CONN }, DONE, LATER)).toBeUndefined();
      expect(await commands().finish('c1', null, DONE, LATER)).toBeUndefined();
      expect(await commands().markSent('c1', CONN, LATER)).toBeUndefined();
      expect(await commands().markAck('c1', 1, CONN, LATER)).toBeUndefined();
      expect(await commands().get('c1')).toMatchObject({ state: 'failed', attempt: 1 });
    });

    it('[CMD1] finishes once, however many say so at once', async () => {
      await commands().append(command());
      await commands().markSent('c1', CONN, LATER);
      const results = await Promise.all(
        [DONE, FAILED, DONE].map((outcome) =>
          commands().finish('c1', { number: 1, connectionId: CONN }, outcome, LATER),
        ),
      );
      expect(results.filter((result) => result !== undefined)).toHaveLength(1);
    });

    it('[CMD7] can be ended by expiry in any state that is not final', async () => {
      await commands().append(command({ id: 'waiting' }));
      await commands().append(command({ id: 'sent' }));
      await commands().markSent('sent', CONN, LATER);
      for (const id of ['waiting', 'sent'])
        expect(await commands().finish(id, null, FAILED, LATER)).toMatchObject({ command: { state: 'failed' } });
    });

    describe('with a session', () => {
      beforeEach(async () => {
        await given.store.sessions.create(session({ state: 'running' }), command(), ROOM);
      });
      const next = command({ id: 'c2', action: 'hibernate_session' });
      const patch = { state: 'hibernating', command: 'c2', updated_at: LATER } as const;
      const get = () => given.store.sessions.get('s1');

      it('[CMD2] changes the session in the same step', async () => {
        expect(await commands().append(next, { id: 's1', patch, from: { state: 'running', command: 'c1' } })).toBe(
          'appended',
        );
        expect(await get()).toMatchObject(patch);
      });

      it('stores nothing when the session is not as expected, or not there', async () => {
        expect(await commands().append(next, { id: 's1', patch, from: { state: 'hibernated', command: 'c1' } })).toBe(
          'conflict',
        );
        expect(await commands().append(next, { id: 's1', patch, from: { state: 'running', command: 'c0' } })).toBe(
          'conflict',
        );
        expect(await commands().append(next, { id: 'unknown', patch })).toBe('conflict');
        expect(await commands().get('c2')).toBeUndefined();
        expect(await get()).toMatchObject({ state: 'running', command: 'c1' });
      });

      it('accepts one of many that change the same session at once', async () => {
        const results = await Promise.all(
          Array.from({ length: 10 }, (_, index) => {
            const id = `n${index}`;
            return commands().append(command({ id }), {
              id: 's1',
              patch: { ...patch, command: id },
              from: { state: 'running', command: 'c1' },
            });
          }),
        );
        expect(results.filter((result) => result === 'appended')).toHaveLength(1);
        expect((await get())?.command).toBe(`n${results.indexOf('appended')}`);
      });

      it('wakes a session only where there is room for it', async () => {
        await given.store.sessions.update('s1', { state: 'hibernated' });
        const wake = { id: 's1', patch: { state: 'waking', command: 'c2' } as const };
        expect(await commands().append(next, { ...wake, reservation: { ...ROOM, maxSessions: 0 } })).toBe(
          'at_capacity',
        );
        expect(await commands().get('c2')).toBeUndefined();
        expect(await get()).toMatchObject({ state: 'hibernated' });
        expect(await commands().append(next, { ...wake, reservation: { ...ROOM, maxSessions: 1 } })).toBe('appended');
      });

      it('changes the session with the result, in the same step', async () => {
        await commands().markSent('c1', CONN, AT);
        const attempt = { number: 1, connectionId: CONN };
        const finished = await commands().finish('c1', attempt, FAILED, LATER, { state: 'failed', reason: 'no' });
        expect(finished?.command).toEqual(await commands().get('c1'));
        expect(finished?.settled).toBe(true);
        expect(await commands().get('c1', 'lasting')).toEqual(finished?.command);
        expect((await commands().next('a1', 0, 10, 'lasting')).commands).toEqual([]);
        expect(finished?.session).toEqual(await get());
        expect(await get()).toMatchObject({ state: 'failed', reason: 'no', id: 's1' });
      });

      it('leaves the session alone when the result counts for nothing', async () => {
        await commands().finish('c1', { number: 1, connectionId: CONN }, FAILED, LATER, { state: 'failed' });
        expect(await get()).toMatchObject({ state: 'running' });
      });

      it('leaves the session alone when a later command has it: a delete is not undone by the end of a create', async () => {
        const deleting = { state: 'deleting', command: 'c2' } as const;
        await commands().append(command({ id: 'c2', action: 'delete_session' }), { id: 's1', patch: deleting });
        const created = await commands().finish('c1', null, DONE, LATER, { state: 'running' });
        expect(created?.command).toMatchObject({ state: 'completed' });
        expect(created?.session).toBeUndefined();
        expect(await get()).toMatchObject(deleting);
        await commands().finish('c2', null, DONE, LATER, { state: 'gone' });
        expect(await get()).toMatchObject({ state: 'gone' });
      });

      it('leaves a session that is gone as it is', async () => {
        await given.store.sessions.update('s1', { state: 'gone' });
        const finished = await commands().finish('c1', null, DONE, LATER, { state: 'running' });
        expect(finished).toMatchObject({ command: { state: 'completed' } });
        expect(finished?.session).toBeUndefined();
        expect(await get()).toMatchObject({ state: 'gone' });
      });
    });
  });
}
