import { systemClock, withDeadline } from 'clock-port';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConflictError, type LeaseRecord, type LeaseState, type Lock } from '../../src/index.ts';

/** What a kind of lock gives the suite to be tried with. */
export interface LockHarness {
  /** A replica's access to the one lease of this test; every call stands for another process. */
  open(replica: string): Promise<Lock>;
  /** Deletes the lease behind the locks' backs, as an operator would. */
  delete(): Promise<void>;
  close(): Promise<void>;
}

const record = (fields: Partial<LeaseRecord> = {}): LeaseRecord => ({
  holder: 'a',
  term: 1,
  durationMs: 15_000,
  acquiredAt: '2030-01-01T00:00:00.000Z',
  renewedAt: '2030-01-01T00:00:01.000Z',
  transitions: 0,
  ...fields,
});

/** What every kind of lock must do. `announces`: whether replicas say that they take part; in a cluster their pods do. */
export function lockContract(kind: string, start: () => Promise<LockHarness>, { announces = true } = {}): void {
  describe(`${kind} lock`, () => {
    let harness: LockHarness;
    let a: Lock;
    let b: Lock;
    let end: AbortController;
    const signal = () => end.signal;

    beforeEach(async () => {
      end = new AbortController();
      harness = await start();
      a = await harness.open('a');
      b = await harness.open('b');
    });
    afterEach(async () => {
      end.abort(new Error('the test is over'));
      await harness.close();
    });

    it('has no lease before one is created', async () => {
      expect(await a.read(signal())).toBeUndefined();
    });

    it('gives back what was created, to every replica', async () => {
      const version = await a.create(record(), signal());
      expect(await b.read(signal())).toEqual({ record: record(), version });
    });

    it('refuses to create a second lease', async () => {
      await a.create(record(), signal());
      await expect(b.create(record({ holder: 'b' }), signal())).rejects.toBeInstanceOf(ConflictError);
      expect((await b.read(signal()))?.record.holder).toBe('a');
    });

    it('lets one of many creators through', async () => {
      const locks = await Promise.all(['c', 'd', 'e', 'f', 'g'].map((name) => harness.open(name)));
      const results = await Promise.allSettled(
        locks.map((lock, i) => lock.create(record({ holder: `holder-${i}` }), signal())),
      );
      const winners = results.flatMap((result, i) => (result.status === 'fulfilled' ? [i] : []));
      expect(winners).toHaveLength(1);
      for (const result of results) {
        if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(ConflictError);
      }
      expect((await a.read(signal()))?.record.holder).toBe(`holder-${winners[0]}`);
    });

    it('updates at the version named, and no other', async () => {
      const first = await a.create(record(), signal());
      const second = await b.update(record({ holder: 'b', term: 2, transitions: 1 }), first, signal());
      expect(second).not.toBe(first);
      await expect(a.update(record({ term: 3 }), first, signal())).rejects.toBeInstanceOf(ConflictError);
      expect(await a.read(signal())).toEqual({
        record: record({ holder: 'b', term: 2, transitions: 1 }),
        version: second,
      });
    });

    it('lets one of many updaters through, again and again', async () => {
      const locks = await Promise.all(['c', 'd', 'e', 'f'].map((name) => harness.open(name)));
      let version = await a.create(record(), signal());
      for (let term = 2; term < 25; term++) {
        const results = await Promise.allSettled(
          locks.map((lock, i) => lock.update(record({ holder: `holder-${i}`, term }), version, signal())),
        );
        const winners = results.flatMap((result, i) => (result.status === 'fulfilled' ? [i] : []));
        expect(winners).toHaveLength(1);
        const state = (await a.read(signal()))!;
        expect(state.record).toMatchObject({ holder: `holder-${winners[0]}`, term });
        version = state.version;
      }
    });

    it('makes another version of an update that changes nothing', async () => {
      const first = await a.create(record(), signal());
      const second = await a.update(record({ renewedAt: '2030-01-01T00:00:02.000Z' }), first, signal());
      expect(second).not.toBe(first);
    });

    it('keeps a released lease: no holder, the term as it was', async () => {
      const first = await a.create(record({ term: 7 }), signal());
      await a.update(record({ holder: '', term: 7, durationMs: 1000 }), first, signal());
      expect((await b.read(signal()))?.record).toMatchObject({ holder: '', term: 7, durationMs: 1000 });
    });

    it('keeps terms beyond 32 bits', async () => {
      const term = 2 ** 40 + 1;
      await a.create(record({ term }), signal());
      expect((await b.read(signal()))?.record.term).toBe(term);
    });

    it.each([2 ** 53 - 1, 2 ** 53 - 2, 2 ** 53, 1e20, -1, 1.5])('K5 counts %d in a lease as no term', async (term) => {
      const version = await a.create(record({ term }), signal());
      expect(await b.read(signal())).toEqual({ record: record({ term: 0 }), version });
      // and it is the lease of whoever holds it: written over like any other
      await b.update(record({ holder: 'b', term: 4 }), version, signal());
      expect((await a.read(signal()))?.record).toEqual(record({ holder: 'b', term: 4 }));
    });

    it('is without a lease after a deletion; an update of the old one is a conflict', async () => {
      const version = await a.create(record(), signal());
      await harness.delete();
      expect(await a.read(signal())).toBeUndefined();
      await expect(a.update(record({ term: 2 }), version, signal())).rejects.toBeInstanceOf(ConflictError);
      expect(await a.read(signal())).toBeUndefined();
    });

    it('does not take a recreated lease for the old one', async () => {
      const version = await a.create(record(), signal());
      await harness.delete();
      await b.create(record({ holder: 'b' }), signal());
      await expect(a.update(record({ term: 2 }), version, signal())).rejects.toBeInstanceOf(ConflictError);
      expect((await a.read(signal()))?.record.holder).toBe('b');
    });

    it('gives up when the signal aborts', async () => {
      const aborted = AbortSignal.abort(new Error('enough'));
      await expect(a.read(aborted)).rejects.toThrow();
      await expect(a.create(record(), aborted)).rejects.toThrow();
      expect(await a.read(signal())).toBeUndefined();
    });

    it('tells watchers of creation, update, release and deletion', async () => {
      const seen = new Seen();
      const watching = b.watch!((state) => seen.add(state), signal());
      watching.catch(() => undefined);
      const first = await a.create(record(), signal());
      await seen.until((state) => state?.record.term === 1);
      const second = await a.update(record({ term: 2 }), first, signal());
      await seen.until((state) => state?.record.term === 2 && state.version === second);
      await a.update(record({ holder: '', term: 2 }), second, signal());
      await seen.until((state) => state?.record.holder === '');
      await harness.delete();
      await seen.until((state) => state === undefined);
      await a.create(record({ holder: 'again', term: 9 }), signal());
      await seen.until((state) => state?.record.holder === 'again');
    });

    it('tells a watcher what it can update at', async () => {
      const seen = new Seen();
      b.watch!((state) => seen.add(state), signal()).catch(() => undefined);
      await a.create(record(), signal());
      const state = await seen.until((candidate) => candidate !== undefined);
      await b.update(record({ holder: 'b', term: 2 }), state!.version, signal());
      expect((await a.read(signal()))?.record.holder).toBe('b');
    });

    it('ends a watch when its signal aborts', async () => {
      const watch = new AbortController();
      const watching = b.watch!(() => undefined, watch.signal);
      await a.create(record(), signal());
      watch.abort(new Error('enough'));
      await withDeadline(systemClock, 5000, 'end of the watch', undefined, () => watching.catch(() => undefined));
    });

    if (!announces) {
      it('has nothing to announce', () => expect(typeof a.announce).toBe('undefined'));
      return;
    }

    it('lists the replicas that were announced, until they withdraw', async () => {
      const stay = new AbortController();
      const staying = b.announce!('replica-b', stay.signal);
      await eventually(async () => {
        expect((await a.candidates!(signal())).map(({ identity }) => identity)).toEqual(['replica-b']);
      });
      expect((await a.candidates!(signal()))[0]?.since).toMatch(/^\d{4}-\d\d-\d\dT/);
      stay.abort();
      await staying;
      expect(await a.candidates!(signal())).toEqual([]);
    });
  });
}

/** Retries until `check` passes; its last failure is the test's after ten seconds. */
export async function eventually(check: () => Promise<void>, ms = 10_000): Promise<void> {
  const end = systemClock.monotonic() + ms;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (systemClock.monotonic() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

class Seen {
  readonly #states: (LeaseState | undefined)[] = [];
  #wake: () => void = () => undefined;

  add(state: LeaseState | undefined): void {
    this.#states.push(state);
    this.#wake();
  }

  /** The first state seen from now on, or not yet asked for, that fits. */
  async until(fits: (state: LeaseState | undefined) => boolean): Promise<LeaseState | undefined> {
    return withDeadline(systemClock, 10_000, 'event of the watch', undefined, async (signal) => {
      while (!signal.aborted) {
        while (this.#states.length > 0) {
          const state = this.#states.shift();
          if (fits(state)) return state;
        }
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
      return undefined;
    });
  }
}
