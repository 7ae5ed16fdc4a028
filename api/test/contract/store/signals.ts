import { describe, expect, it, vi } from 'vitest';
import type { Signal } from '../../../src/store/store.ts';
import { eachWith, type MakeStore } from './harness.ts';

const wake = (agent: string): Signal => ({ type: 'wake', agent });

export function signalContract(makeStore: MakeStore): void {
  describe('signals', () => {
    const given = eachWith(makeStore);

    /** Listens as a hub does; resolves when it is heard. */
    const listening = async (hub: string, signal: AbortSignal): Promise<Signal[]> => {
      const heard: Signal[] = [];
      const listens = new Promise<void>((resolve) =>
        given.store.signals.subscribe(hub, (message) => heard.push(message), resolve, signal),
      );
      await listens;
      return heard;
    };

    it('reach the hub that they are for, in order, and no other', async () => {
      const over = new AbortController();
      const first = await listening('http://10.0.0.1:8080', over.signal);
      const second = await listening('http://10.0.0.2:8080', over.signal);
      for (const agent of ['a', 'b', 'c']) await given.store.signals.send('http://10.0.0.1:8080', wake(agent));
      await given.store.signals.send('http://10.0.0.2:8080', wake('d'));
      await vi.waitFor(() => expect(second).toEqual([wake('d')]));
      await vi.waitFor(() => expect(first).toEqual([wake('a'), wake('b'), wake('c')]));
      over.abort();
    });

    it('to a hub that does not listen are lost without an error', async () => {
      await given.store.signals.send('http://10.0.0.9:8080', wake('a'));
    });

    it('end with the subscription', async () => {
      const leaving = new AbortController();
      const staying = new AbortController();
      const left = await listening('http://10.0.0.1:8080', leaving.signal);
      const stayed = await listening('http://10.0.0.1:8080', staying.signal);
      leaving.abort();
      await given.store.signals.send('http://10.0.0.1:8080', wake('a'));
      await vi.waitFor(() => expect(stayed).toEqual([wake('a')]));
      expect(left).toEqual([]);
      staying.abort();
    });

    it('are not heard by one that has left before', async () => {
      const heard = vi.fn<() => void>();
      given.store.signals.subscribe('http://10.0.0.1:8080', heard, heard, AbortSignal.abort());
      await given.store.signals.send('http://10.0.0.1:8080', wake('a'));
      expect(heard).not.toHaveBeenCalled();
    });
  });
}
