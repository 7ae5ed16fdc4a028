import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { MAX_TERM, type SessionSpec, type SessionStatus } from '@streamspace/protocol';
import { RfbClient } from '@streamspace/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it as everyTest } from 'vitest';
import type { Operation, SessionDriver } from '../../src/sessions/driver.ts';

/** What the suite needs to know of a platform beyond the port. */
export interface DriverSetup {
  /** Another driver on the same place, as the next leader (or a second one at the same time) would have it. */
  makeDriver(): SessionDriver;
  /** Another driver whose process ends, whatever it is asked for, when that is written into the session's record: its calls reject, nothing else happens. */
  makeDying(): SessionDriver;
  /** How many times the session runs right now: desktops, pods, containers of its own. */
  running(sessionId: string): Promise<number>;
  /** What those are: no two starts of a session are the same. */
  starts(sessionId: string): Promise<string[]>;
  /** Ends what runs behind the driver's back, as a crash would. */
  kill(sessionId: string): Promise<void>;
  /** Removes what the platform has of the session but its record and home, as an operator could. */
  loseObject(sessionId: string): Promise<void>;
  /** Removes the session's record, and nothing else. */
  loseRecord(sessionId: string): Promise<void>;
  /** Puts a mark into the session's home, and looks for it. */
  markHome(spec: SessionSpec): Promise<void>;
  homeIsMarked(spec: SessionSpec): Promise<boolean>;
  /** Gives the home that is there to another owner, as if its name were theirs too; to the same one again without. */
  disown(spec: SessionSpec, owner?: { readonly user: string }): Promise<void>;
  /** Makes the home, marked, as an earlier version would have. */
  makeOldHome(spec: SessionSpec): Promise<void>;
  /** Changes the session's record behind the driver's back: what it wants, or its spec, becomes something that can't be read; or it gets fields as a newer version would write them. */
  spoil(sessionId: string, what: 'phase' | 'spec' | 'newer'): Promise<void>;
  /** Whether the record still has all that was put there as of a newer version. */
  keepsNewer(sessionId: string): Promise<boolean>;
  /** Removes everything. */
  cleanup(): Promise<void>;
}

/** What every driver must do, whatever runs its sessions: the port's contract as tests. */
export function driverContract(
  name: string,
  setup: () => Promise<DriverSetup>,
  /**
   * `step`: how long the platform may take for one step, milliseconds. `only`: the tests of a short form, by their names. `size`: of a session, cores and bytes.
   */
  {
    step: STEP = 25_000,
    only,
    size = { cpu: 1, memory: 1e9 },
  }: { readonly step?: number; readonly only?: RegExp; readonly size?: Pick<SessionSpec, 'cpu' | 'memory'> } = {},
): void {
  const it = only === undefined ? everyTest : testsNamed(only);
  describe(`driver contract: ${name}`, () => {
    let place: DriverSetup;
    let driver: SessionDriver;
    // an engine may have what another run, or one that was killed, made
    const run = randomBytes(2).toString('hex');
    let count = 0;
    let commands = 0;
    const made = new Set<string>();

    const spec = (changes: Partial<SessionSpec> = {}): SessionSpec => {
      const id = `contract-${run}-${(count++).toString(36)}`;
      made.add(changes.id ?? id);
      const base = {
        id,
        user: `user-${id}`,
        template: 'desktop',
        name: 'A session',
        ...size,
        storage: 1e9,
        image: '',
        env: {},
      };
      return { ...base, created_at: '2026-01-31T12:00:00.000Z', ...changes };
    };
    const op = (term = 1, changes: Partial<Operation> = {}): Operation => ({
      commandId: `command-${commands++}`,
      term,
      signal: AbortSignal.timeout(STEP),
      ...changes,
    });
    const soon = () => AbortSignal.timeout(STEP);
    const listed = async (by: SessionDriver, id: string): Promise<SessionStatus | undefined> =>
      (await by.list(soon())).find((status) => status.spec.id === id);
    const see = async (by: SessionDriver, id: string): Promise<RfbClient> => {
      const client = await RfbClient.open(await by.connect(id, soon()), soon());
      await client.firstPicture(soon());
      return client;
    };
    const eventually = async (what: () => Promise<boolean>): Promise<void> => {
      const end = soon();
      while (!(await what())) await pause(20, undefined, { signal: end });
    };

    beforeAll(async () => {
      place = await setup();
      driver = place.makeDriver();
    });
    afterEach(
      async () => {
        for (const id of made) await driver.delete(id, { deleteHome: true }, op(MAX_TERM));
        made.clear();
        // ten sessions, one after the other
      },
      60_000 + 2 * STEP,
    );
    afterAll(() => place.cleanup());

    it('creates a session whose screen speaks RFB', async () => {
      const one = spec();
      expect(await driver.create(one, op())).toEqual({ spec: one, state: 'running' });
      const client = await see(driver, one.id);
      expect(client.picture.width).toBeGreaterThan(100);
      client.close();
      expect(await listed(driver, one.id)).toEqual({ spec: one, state: 'running' });
    });

    it('S11 keeps the hub’s proof with the session, through sleep; a create that comes again without or with another is the same session', async () => {
      const one = spec();
      const [first, second] = ['a'.repeat(43), 'b'.repeat(43)];
      await driver.create({ ...one, proof: first }, op());
      expect((await listed(driver, one.id))?.spec).toEqual({ ...one, proof: first });
      await driver.create(one, op());
      await driver.create({ ...one, proof: second }, op());
      await driver.prove(one.id, second, soon());
      expect((await listed(driver, one.id))?.spec).toEqual({ ...one, proof: second });
      await driver.hibernate(one.id, op());
      await place.makeDriver().prove(one.id, first, soon());
      expect((await driver.wake(one.id, op())).spec).toEqual({ ...one, proof: first });
      // none is made of a proof
      await driver.prove('contract-nobody', first, soon());
      expect(await listed(driver, 'contract-nobody')).toBeUndefined();
    });

    it('carries what is typed to the session and the change of its screen back', async () => {
      const one = spec();
      await driver.create(one, op());
      const client = await see(driver, one.id);
      const { width, height } = client.picture;
      client.pointer(width >> 2, height >> 1, 1);
      client.pointer(width >> 2, height >> 1, 0);
      const changed = client.waitForChange(undefined, soon());
      client.type('hello\n');
      await changed;
      client.close();
    });

    it('serves several connections at once, and new ones after they closed', async () => {
      const one = spec();
      await driver.create(one, op());
      const clients = await Promise.all([see(driver, one.id), see(driver, one.id), see(driver, one.id)]);
      for (const client of clients) expect(client.failure).toBeUndefined();
      for (const client of clients) client.close();
      (await see(driver, one.id)).close();
    });

    it('has the effect once when create is repeated, one after the other and at the same time', async () => {
      const one = spec();
      const same = op();
      await Promise.all([driver.create(one, same), driver.create(one, same), place.makeDriver().create(one, same)]);
      expect(await driver.create(one, same)).toEqual({ spec: one, state: 'running' });
      expect(await driver.create(one, op())).toEqual({ spec: one, state: 'running' });
      expect(await place.running(one.id)).toBe(1);
    });

    it('refuses an id that belongs to another spec, and leaves that session alone', async () => {
      const one = spec();
      await driver.create(one, op());
      await expect(driver.create({ ...one, user: 'somebody-else' }, op())).rejects.toMatchObject({
        code: 'session_exists',
      });
      expect(await listed(driver, one.id)).toEqual({ spec: one, state: 'running' });
    });

    it('deletes once and again; the session is gone for all', async () => {
      const one = spec();
      await driver.create(one, op());
      const same = op();
      await driver.delete(one.id, { deleteHome: false }, same);
      await driver.delete(one.id, { deleteHome: false }, same);
      await driver.delete(one.id, { deleteHome: false }, op());
      await driver.delete('never-there', { deleteHome: true }, op());
      expect(await place.running(one.id)).toBe(0);
      expect(await listed(driver, one.id)).toBeUndefined();
      await expect(driver.connect(one.id, soon())).rejects.toMatchObject({ code: 'not_found' });
      await expect(driver.hibernate(one.id, op())).rejects.toMatchObject({ code: 'not_found' });
      await expect(driver.wake(one.id, op())).rejects.toMatchObject({ code: 'not_found' });
    });

    it('keeps the home of a deleted session, and removes it with deleteHome', async () => {
      const one = spec();
      await driver.create(one, op());
      await place.markHome(one);
      await driver.delete(one.id, { deleteHome: false }, op());
      expect(await place.homeIsMarked(one)).toBe(true);
      const next = spec({ user: one.user });
      await driver.create(next, op());
      expect(await place.homeIsMarked(next)).toBe(true);
      await driver.delete(next.id, { deleteHome: true }, op());
      expect(await place.homeIsMarked(one)).toBe(false);
    });

    it('K3 deletes several sessions of one home with it, one after the other or all at once: the home goes with the last', async () => {
      const one = spec();
      const [two, three, four] = [spec({ user: one.user }), spec({ user: one.user }), spec({ user: one.user })];
      for (const each of [one, two, three, four]) await driver.create(each, op());
      await place.markHome(one);
      await driver.delete(one.id, { deleteHome: true }, op());
      expect(await listed(driver, one.id)).toBeUndefined();
      expect(await place.running(two.id)).toBe(1);
      expect(await place.homeIsMarked(two)).toBe(true);
      const rest = [two, three, four].map(({ id }) => driver.delete(id, { deleteHome: true }, op()));
      await Promise.all(rest);
      for (const { id } of [two, three, four]) {
        expect(await place.running(id)).toBe(0);
        expect(await listed(driver, id)).toBeUndefined();
      }
      expect(await place.homeIsMarked(one)).toBe(false);
    });

    it('S10 leaves a home alone that another owns, and finds its own again', async () => {
      const one = spec();
      await driver.create(one, op());
      await place.markHome(one);
      await driver.delete(one.id, { deleteHome: false }, op());
      await place.disown(one, { user: 'somebody-else' });
      const [next, again] = [spec({ user: one.user }), spec({ user: one.user })];
      const refusal = { code: 'home_of_another', message: expect.stringContaining('left alone') };
      await expect(driver.create(next, op())).rejects.toMatchObject(refusal);
      expect(await place.running(next.id)).toBe(0);
      const told = await listed(driver, next.id);
      expect(told).toMatchObject({ state: 'failed', reason: expect.stringContaining('left alone') });
      await driver.delete(next.id, { deleteHome: true }, op());
      expect(await listed(driver, next.id)).toBeUndefined();
      expect(await place.homeIsMarked(one)).toBe(true);
      await place.disown(one);
      expect(await driver.create(again, op())).toEqual({ spec: again, state: 'running' });
      expect(await place.homeIsMarked(again)).toBe(true);
    });

    it('S10 still finds homes that earlier versions made, and deletes them', async () => {
      const one = spec();
      await place.makeOldHome(one);
      expect(await place.homeIsMarked(one)).toBe(true);
      expect(await driver.create(one, op())).toEqual({ spec: one, state: 'running' });
      expect(await place.homeIsMarked(one)).toBe(true);
      await driver.delete(one.id, { deleteHome: true }, op());
      expect(await place.homeIsMarked(one)).toBe(false);
    });

    it('S10 refuses text that is no Unicode, which would be somebody else’s', async () => {
      for (const changes of [{ user: 'ada\ud800' }, { name: '\udc00' }])
        await expect(driver.create(spec(changes), op())).rejects.toMatchObject({ code: 'invalid_request' });
      const one = spec({ user: `ada\ufffd${count}😀` });
      expect(await driver.create(one, op())).toEqual({ spec: one, state: 'running' });
    });

    it('hibernates and wakes with the same home and identity, as often as wanted', async () => {
      const one = spec();
      await driver.create(one, op());
      await place.markHome(one);
      for (let round = 0; round < 2; round++) {
        const sleep = op();
        expect(await driver.hibernate(one.id, sleep)).toEqual({ spec: one, state: 'hibernated' });
        expect(await driver.hibernate(one.id, sleep)).toEqual({ spec: one, state: 'hibernated' });
        expect(await place.running(one.id)).toBe(0);
        expect(await listed(driver, one.id)).toEqual({ spec: one, state: 'hibernated' });
        await expect(driver.connect(one.id, soon())).rejects.toMatchObject({ code: 'session_not_running' });
        const wake = op();
        expect(await driver.wake(one.id, wake)).toEqual({ spec: one, state: 'running' });
        expect(await driver.wake(one.id, wake)).toEqual({ spec: one, state: 'running' });
        expect(await place.running(one.id)).toBe(1);
        expect(await place.homeIsMarked(one)).toBe(true);
        // failure 5: a screen that can be opened only once, and not after wake
        (await see(driver, one.id)).close();
        (await see(driver, one.id)).close();
      }
    });

    it('deletes a hibernated session', async () => {
      const one = spec();
      await driver.create(one, op());
      await driver.hibernate(one.id, op());
      await driver.delete(one.id, { deleteHome: true }, op());
      expect(await listed(driver, one.id)).toBeUndefined();
    });

    it('reports a session that dies by itself, says why, and wakes it', async () => {
      const one = spec();
      await driver.create(one, op());
      const seen: (SessionStatus | undefined)[] = [];
      const watching = new AbortController();
      const watch = driver.watch((id, status) => void (id === one.id && seen.push(status)), watching.signal);
      await place.kill(one.id);
      await eventually(async () => seen.some((status) => status?.state === 'failed'));
      expect(seen.at(-1)?.reason).toMatch(/\w/);
      expect(await listed(driver, one.id)).toMatchObject({ state: 'failed', reason: seen.at(-1)?.reason });
      await expect(driver.connect(one.id, soon())).rejects.toMatchObject({ code: 'session_not_running' });
      expect(await driver.wake(one.id, op())).toEqual({ spec: one, state: 'running' });
      (await see(driver, one.id)).close();
      expect(await place.running(one.id)).toBe(1);
      await place.kill(one.id);
      await eventually(async () => seen.filter((status) => status?.state === 'failed').length === 2);
      watching.abort();
      await watch;
    });

    it.for(['phase', 'spec'] as const)(
      'K1 shows a session whose record can’t be read (%s), leaves it alone, and deletes all of it',
      async (what) => {
        const one = spec();
        await driver.create(one, op());
        await place.markHome(one);
        await place.spoil(one.id, what);
        const reason = expect.stringMatching(/^its record can't be read: \S/);
        for (const by of [driver, place.makeDriver()]) {
          const told = await listed(by, one.id);
          expect(told).toMatchObject({ spec: { id: one.id }, state: 'failed', reason });
        }
        const refusal = { code: 'driver_failed', message: expect.stringContaining("its record can't be read: ") };
        await expect(driver.create(one, op())).rejects.toMatchObject(refusal);
        await expect(driver.hibernate(one.id, op())).rejects.toMatchObject(refusal);
        await expect(driver.wake(one.id, op())).rejects.toMatchObject(refusal);
        await expect(driver.connect(one.id, soon())).rejects.toMatchObject({ code: 'session_not_running' });
        expect(await place.running(one.id)).toBe(1);
        await driver.delete(one.id, { deleteHome: what === 'phase' }, op());
        expect(await place.running(one.id)).toBe(0);
        expect(await listed(place.makeDriver(), one.id)).toBeUndefined();
        expect(await place.homeIsMarked(one)).toBe(what === 'spec');
        expect(await driver.create(one, op())).toEqual({ spec: one, state: 'running' });
      },
    );

    it('K1 keeps what a newer version wrote into a record', async () => {
      const one = spec();
      await driver.create(one, op());
      await place.spoil(one.id, 'newer');
      expect(await listed(driver, one.id)).toEqual({ spec: one, state: 'running' });
      expect(await driver.create(one, op(2))).toEqual({ spec: one, state: 'running' });
      expect(await driver.hibernate(one.id, op(2))).toEqual({ spec: one, state: 'hibernated' });
      expect(await driver.wake(one.id, op(3))).toEqual({ spec: one, state: 'running' });
      expect(await place.keepsNewer(one.id)).toBe(true);
    });

    it('does not report what it was told to do', async () => {
      const [one, marker] = [spec(), spec()];
      const seen: string[] = [];
      const watching = new AbortController();
      await driver.create(marker, op());
      const watch = driver.watch((id, status) => {
        // what a slow start waits for is told while it waits
        if (status?.state !== 'starting') seen.push(id);
      }, watching.signal);
      await driver.create(one, op());
      await driver.hibernate(one.id, op());
      await driver.wake(one.id, op());
      await driver.delete(one.id, { deleteHome: true }, op());
      await place.kill(marker.id);
      await eventually(async () => seen.includes(marker.id));
      watching.abort();
      await watch;
      expect(seen).not.toContain(one.id);
    });

    it('repeats a create after a crash of the session by starting it again', async () => {
      const one = spec();
      const same = op();
      await driver.create(one, same);
      await place.kill(one.id);
      await eventually(async () => (await place.running(one.id)) === 0);
      expect(await driver.create(one, same)).toEqual({ spec: one, state: 'running' });
      expect(await place.running(one.id)).toBe(1);
    });

    it('finishes what a leader left half done that died, when the command comes again to the next one', async () => {
      const one = spec();
      const running = { spec: one, state: 'running' };
      const dying = place.makeDying();
      const again = (operation: Operation, term: number) => op(term, { commandId: operation.commandId });
      const create = op(1);
      await expect(dying.create(one, create)).rejects.toThrow();
      expect(await place.running(one.id)).toBe(0);
      expect(await listed(place.makeDriver(), one.id)).toMatchObject({ spec: one });
      expect(await driver.create(one, again(create, 2))).toEqual(running);
      expect(await place.running(one.id)).toBe(1);
      await place.markHome(one);
      const sleep = op(2);
      await expect(dying.hibernate(one.id, sleep)).rejects.toThrow();
      expect(await driver.hibernate(one.id, again(sleep, 3))).toEqual({ spec: one, state: 'hibernated' });
      expect(await place.running(one.id)).toBe(0);
      const wake = op(3);
      await expect(dying.wake(one.id, wake)).rejects.toThrow();
      expect(await place.running(one.id)).toBe(0);
      expect(await driver.wake(one.id, again(wake, 4))).toEqual(running);
      expect(await place.running(one.id)).toBe(1);
      expect(await place.homeIsMarked(one)).toBe(true);
      const end = op(4);
      await expect(dying.delete(one.id, { deleteHome: true }, end)).rejects.toThrow();
      await driver.delete(one.id, { deleteHome: true }, again(end, 5));
      expect(await place.running(one.id)).toBe(0);
      expect(await listed(driver, one.id)).toBeUndefined();
      expect(await place.homeIsMarked(one)).toBe(false);
    });

    it('deletes a session that a leader left half made', async () => {
      const one = spec();
      await expect(place.makeDying().create(one, op(1))).rejects.toThrow();
      await driver.delete(one.id, { deleteHome: true }, op(2));
      expect(await place.running(one.id)).toBe(0);
      expect(await listed(place.makeDriver(), one.id)).toBeUndefined();
      await expect(driver.wake(one.id, op(2))).rejects.toMatchObject({ code: 'not_found' });
    });

    it('two leaders at once make one session of a create; the later one is not refused', async () => {
      const [old, next] = [driver, place.makeDriver()];
      const one = spec();
      const [late, done] = await Promise.allSettled([old.create(one, op(1)), next.create(one, op(2))]);
      expect(done).toEqual({ status: 'fulfilled', value: { spec: one, state: 'running' } });
      if (late.status === 'rejected') expect(late.reason).toMatchObject({ code: 'superseded' });
      expect(await place.running(one.id)).toBe(1);
      await expect(old.delete(one.id, { deleteHome: true }, op(1))).rejects.toMatchObject({ code: 'superseded' });
      (await see(next, one.id)).close();
    });

    it('two leaders at once that want sessions of one id for two users: it is the one user’s, and the other is told', async () => {
      const [old, next] = [driver, place.makeDriver()];
      const one = spec();
      const other = { ...one, user: `${one.user}-other` };
      const both = await Promise.allSettled([old.create(one, op(1)), next.create(other, op(2))]);
      const made = both.flatMap((each, asked) =>
        each.status === 'fulfilled' ? [{ ...each.value, spec: [one, other][asked] }] : [],
      );
      const refused = both.flatMap((each) => (each.status === 'rejected' ? [each.reason as { code: string }] : []));
      expect([made.length, refused.length]).toEqual([1, 1]);
      expect(['session_exists', 'superseded']).toContain(refused[0]!.code);
      expect(await place.running(one.id)).toBe(1);
      expect(await listed(place.makeDriver(), one.id)).toEqual(made[0]);
    });

    it('a session of which only the record is left has failed; it hibernates, wakes, is made again and deleted as any', async () => {
      const one = spec();
      const running = { spec: one, state: 'running' };
      const create = op();
      await driver.create(one, create);
      await place.markHome(one);
      const told = async () => (await listed(place.makeDriver(), one.id))?.state;
      await place.loseObject(one.id);
      await eventually(async () => (await told()) === 'failed');
      expect((await listed(driver, one.id))?.reason).toMatch(/\w/);
      await expect(driver.connect(one.id, soon())).rejects.toMatchObject({ code: 'session_not_running' });
      expect(await driver.hibernate(one.id, op())).toEqual({ spec: one, state: 'hibernated' });
      expect(await driver.wake(one.id, op())).toEqual(running);
      await place.loseObject(one.id);
      expect(await driver.create(one, create)).toEqual(running);
      expect(await place.running(one.id)).toBe(1);
      expect(await place.homeIsMarked(one)).toBe(true);
      await place.loseObject(one.id);
      await driver.delete(one.id, { deleteHome: true }, op());
      expect(await told()).toBeUndefined();
      expect(await place.homeIsMarked(one)).toBe(false);
    });

    it('what runs without a record is no session: a create of its id makes a new one in its place, a delete ends it', async () => {
      const one = spec();
      await driver.create(one, op());
      const before = await place.starts(one.id);
      await place.loseRecord(one.id);
      expect(await listed(place.makeDriver(), one.id)).toBeUndefined();
      await expect(driver.connect(one.id, soon())).rejects.toMatchObject({ code: 'not_found' });
      await expect(driver.hibernate(one.id, op())).rejects.toMatchObject({ code: 'not_found' });
      await expect(driver.wake(one.id, op())).rejects.toMatchObject({ code: 'not_found' });
      const other = { ...one, user: `${one.user}-other` };
      expect(await driver.create(other, op())).toEqual({ spec: other, state: 'running' });
      const after = await place.starts(one.id);
      expect(after).toHaveLength(1);
      expect(before).not.toContain(after[0]);
      await place.loseRecord(one.id);
      await driver.delete(one.id, { deleteHome: false }, op());
      expect(await place.running(one.id)).toBe(0);
    });

    it('refuses every change of a lower term, without effect', async () => {
      const one = spec();
      await driver.create(one, op(5));
      const old = place.makeDriver();
      await expect(old.create(one, op(4))).rejects.toMatchObject({ code: 'superseded' });
      await expect(old.hibernate(one.id, op(4))).rejects.toMatchObject({ code: 'superseded' });
      await expect(old.wake(one.id, op(4))).rejects.toMatchObject({ code: 'superseded' });
      await expect(old.delete(one.id, { deleteHome: true }, op(4))).rejects.toMatchObject({ code: 'superseded' });
      expect(await listed(driver, one.id)).toEqual({ spec: one, state: 'running' });
      expect(await driver.create(one, op(5))).toMatchObject({ state: 'running' });
    });

    it('remembers the term of a change that changed nothing else', async () => {
      const one = spec();
      await driver.create(one, op(5));
      await driver.create(one, op(7));
      await expect(driver.hibernate(one.id, op(6))).rejects.toMatchObject({ code: 'superseded' });
    });

    it('shows the next leader the sessions of the last one, and lets it go on with them', async () => {
      const [one, two] = [spec(), spec()];
      await driver.create(one, op(1));
      await driver.create(two, op(1));
      await driver.hibernate(two.id, op(1));
      const next = place.makeDriver();
      const states = Object.fromEntries((await next.list(soon())).map((status) => [status.spec.id, status]));
      expect(states).toMatchObject({
        [one.id]: { spec: one, state: 'running' },
        [two.id]: { spec: two, state: 'hibernated' },
      });
      (await see(next, one.id)).close();
      await next.hibernate(one.id, op(2));
      await next.wake(two.id, op(2));
      expect([await place.running(one.id), await place.running(two.id)]).toEqual([0, 1]);
    });

    it('settles soon when the signal aborts, before and during an operation', async () => {
      const one = spec();
      const aborted = AbortSignal.abort(new Error('over'));
      await expect(driver.create(one, op(1, { signal: aborted }))).rejects.toMatchObject({ code: 'command_aborted' });
      await expect(driver.connect(one.id, aborted)).rejects.toThrow();
      await expect(driver.list(aborted)).rejects.toThrow();
      await driver.watch(() => {}, aborted);
      expect(await place.running(one.id)).toBe(0);
      const during = new AbortController();
      const creating = driver.create(one, op(1, { signal: during.signal }));
      during.abort(new Error('over'));
      await expect(creating).rejects.toMatchObject({ code: 'command_aborted' });
      // and the command delivered again finishes what it began
      expect(await driver.create(one, op(1))).toEqual({ spec: one, state: 'running' });
      expect(await place.running(one.id)).toBe(1);
    });

    it('refuses names that are no session ids', async () => {
      for (const id of ['../escape', 'a/b', '', 'A', '.']) {
        await expect(driver.delete(id, { deleteHome: true }, op())).rejects.toMatchObject({ code: 'invalid_request' });
        await expect(driver.connect(id, soon())).rejects.toMatchObject({ code: 'not_found' });
      }
    });

    it(
      'creates ten at once',
      async () => {
        const ten = Array.from({ length: 10 }, () => spec());
        const made = await Promise.all(ten.map((one) => driver.create(one, op())));
        expect(made.map((status) => status.state)).toEqual(ten.map(() => 'running'));
        for (const one of ten) expect(await place.running(one.id)).toBe(1);
      },
      2 * STEP + 10_000,
    );

    it('says what it can take', async () => {
      const capacity = await driver.capacity(soon());
      expect(capacity.cpu).toBeGreaterThan(0);
      expect(capacity.memory).toBeGreaterThan(0);
      expect(capacity.max_sessions).toBeGreaterThan(0);
    });
  });
}

/** Registers only the tests whose name matches. */
function testsNamed(only: RegExp): typeof everyTest {
  const chosen = (name: string, ...rest: never[]) => {
    if (only.test(name)) (everyTest as (...all: unknown[]) => void)(name, ...rest);
  };
  const chosenFor = (cases: readonly unknown[]) => (name: string, work: (each: unknown) => Promise<void>) => {
    if (only.test(name)) everyTest.for(cases)(name, work);
  };
  return Object.assign(chosen, { for: chosenFor }) as unknown as typeof everyTest;
}
