import type { Event } from '@streamspace/protocol';
import { describe, expect, it, vi } from 'vitest';
import { AT } from '../../support/records.ts';
import { eachWith, type MakeStore } from './harness.ts';

const event = (patch: Partial<Event> = {}): Omit<Event, 'id'> => ({
  at: AT,
  type: 'session.updated',
  agent: 'a1',
  session: 's1',
  user: 'alice',
  data: {},
  ...patch,
});
const ids = (events: readonly Event[]) => events.map(({ id }) => id);
const isConsecutive = (numbers: readonly number[]) =>
  numbers.every((n, index) => index === 0 || n === numbers[index - 1]! + 1);

export function eventContract(makeStore: MakeStore): void {
  describe('events', () => {
    const given = eachWith(makeStore);
    const events = () => given.store.events;

    it('gives consecutive ids, and keeps events in that order', async () => {
      const appended = await Promise.all(Array.from({ length: 50 }, (_, n) => events().append(event({ data: { n } }))));
      const kept = await events().since(0);
      expect(kept).toHaveLength(50);
      expect(isConsecutive(ids(kept))).toBe(true);
      expect(ids(kept)).toEqual(ids(appended).toSorted((a, b) => a - b));
    });

    it('gives what came after an id, and of more than the limit the newest', async () => {
      const appended: Event[] = [];
      for (let n = 0; n < 5; n += 1) appended.push(await events().append(event({ data: { n } })));
      expect(await events().since(appended[2]!.id)).toEqual(appended.slice(3));
      expect(await events().since(0, { limit: 2 })).toEqual(appended.slice(3));
      expect(await events().since(appended[4]!.id)).toEqual([]);
    });

    it("gives an agent's timeline: its agent events alone", async () => {
      await events().append(event());
      const registered = await events().append(event({ type: 'agent.registered', session: null, user: null }));
      await events().append(event({ type: 'agent.registered', agent: 'a2', session: null, user: null }));
      const left = await events().append(event({ type: 'agent.disconnected', session: null, user: null }));
      expect(await events().since(0, { agent: 'a1' })).toEqual([registered, left]);
      expect(await events().since(registered.id, { agent: 'a1' })).toEqual([left]);
      expect(await events().since(0, { agent: 'nobody' })).toEqual([]);
    });

    it('keeps a bounded history, the newest of it', async () => {
      for (let n = 0; n < 20_000; n += 1) await events().append(event());
      const kept = await events().since(0);
      expect(kept.length).toBeLessThan(10_000);
      expect(kept.length).toBeGreaterThanOrEqual(1_000);
      expect(kept.at(-1)!.id - kept[0]!.id).toBe(kept.length - 1);
    });

    it("keeps a bounded timeline, in which an agent's updates don't push out its elections", async () => {
      const registered = await events().append(event({ type: 'agent.registered' }));
      for (let n = 0; n < 2_000; n += 1) await events().append(event({ type: 'agent.updated' }));
      const kept = await events().since(0, { agent: 'a1' });
      expect(kept[0]).toEqual(registered);
      expect(kept.length).toBeLessThan(1_000);
      for (let n = 0; n < 2_000; n += 1) await events().append(event({ type: 'agent.refused' }));
      expect((await events().since(0, { agent: 'a1' })).length).toBeLessThan(1_000);
    });

    it('S3 what is kept is bounded in bytes, too: the newest of it', async () => {
      const large = 'x'.repeat(60_000);
      const size = (kept: readonly Event[]) => JSON.stringify(kept).length;
      let last!: Event;
      for (let n = 0; n < 400; n += 1) last = await events().append(event({ data: { n, large } }));
      const kept = await events().since(0);
      expect(size(kept)).toBeLessThan(9 * 1024 * 1024);
      expect(size(kept)).toBeGreaterThan(7 * 1024 * 1024);
      expect(kept.at(-1)).toEqual(last);
      expect(isConsecutive(ids(kept))).toBe(true);
    });

    it('S3 a timeline is bounded in bytes, and updates still push no election out', async () => {
      const large = 'x'.repeat(60_000);
      const registered = await events().append(event({ type: 'agent.registered' }));
      for (let n = 0; n < 64; n += 1) await events().append(event({ type: 'agent.updated', data: { n, large } }));
      const updated = await events().since(0, { agent: 'a1' });
      expect(updated[0]).toEqual(registered);
      expect(JSON.stringify(updated).length).toBeLessThan(256 * 1024);
      for (let n = 0; n < 64; n += 1) await events().append(event({ type: 'agent.refused', data: { n, large } }));
      expect(JSON.stringify(await events().since(0, { agent: 'a1' })).length).toBeLessThan(512 * 1024);
    });

    it('S3 an event that is greater than the bound is kept until the next one', async () => {
      const huge = await events().append(event({ type: 'agent.refused', data: { huge: 'x'.repeat(300_000) } }));
      expect(await events().since(0, { agent: 'a1' })).toEqual([huge]);
      const next = await events().append(event({ type: 'agent.refused' }));
      expect(await events().since(0, { agent: 'a1' })).toEqual([next]);
    });

    it('tells subscribers of every event from now on, in order, until they leave', async () => {
      await events().append(event());
      const seen: Event[] = [];
      const other = vi.fn<(event: Event) => void>();
      const leaving = new AbortController();
      events().subscribe((each) => seen.push(each), leaving.signal);
      const staying = new AbortController();
      events().subscribe(other, staying.signal);
      const appended: Event[] = [];
      for (let n = 0; n < 5; n += 1) appended.push(await events().append(event({ data: { n } })));
      await vi.waitFor(() => expect(seen).toEqual(appended));
      leaving.abort();
      await events().append(event());
      await vi.waitFor(() => expect(other).toHaveBeenCalledTimes(6));
      expect(seen).toHaveLength(5);
      staying.abort();
    });

    it('tells nothing to one that has left before', async () => {
      const seen = vi.fn<(event: Event) => void>();
      events().subscribe(seen, AbortSignal.abort());
      await events().append(event());
      expect(seen).not.toHaveBeenCalled();
    });
  });
}
