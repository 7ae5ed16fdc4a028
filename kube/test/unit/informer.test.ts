import { PassThrough } from 'node:stream';
import { VirtualClock } from '@streamspace/testkit';
import { describe, expect, it } from 'vitest';
import type { KubeClient } from '../../src/client.ts';
import type { Query } from '../../src/connection.ts';
import { ApiError } from '../../src/error.ts';
import { Informer } from '../../src/informer.ts';
import type { KubeObject } from '../../src/objects.ts';

const object = (name: string, resourceVersion: string): KubeObject => ({ metadata: { name, resourceVersion } });

/** An API server of one resource, held in the test's hands. */
class FakeApi {
  items: KubeObject[] = [];
  version = '10';
  lists = 0;
  forbidden = false;
  readonly watches: { version: string; body: PassThrough; aborted: boolean }[] = [];

  readonly client = {
    path: () => '/things',
    list: async () => {
      this.lists++;
      if (this.forbidden) throw new ApiError(403, 'Forbidden', 'no');
      return { metadata: { resourceVersion: this.version }, items: structuredClone(this.items) };
    },
    stream: async (_: string, query: Query, signal: AbortSignal) => {
      const watch = { version: String(query['resourceVersion']), body: new PassThrough(), aborted: false };
      signal.addEventListener('abort', () => {
        watch.aborted = true;
        watch.body.destroy(signal.reason as Error);
      });
      this.watches.push(watch);
      return watch.body;
    },
  } as unknown as KubeClient;

  send(type: string, object: object): void {
    this.watches.at(-1)!.body.write(`${JSON.stringify({ type, object })}\n`);
  }
}

async function started(options: { optional?: boolean } = {}) {
  const api = new FakeApi();
  api.items = [object('a', '5'), object('b', '6')];
  const clock = new VirtualClock();
  const informer = new Informer({ client: api.client, resource: 'pods', query: {}, clock, ...options });
  const seen: string[] = [];
  informer.onChange((name, changed) => seen.push(`${name} ${changed?.metadata?.resourceVersion ?? 'gone'}`));
  const stop = new AbortController();
  const run = informer.run(stop.signal);
  await clock.advance(0);
  return { api, clock, informer, seen, stop, run };
}

describe('informer', () => {
  it('lists once and follows by one watch', async () => {
    const { api, clock, informer, seen } = await started();
    api.send('ADDED', object('c', '11'));
    api.send('MODIFIED', object('a', '12'));
    api.send('DELETED', object('b', '13'));
    await clock.advance(10);
    expect(seen).toEqual(['a 5', 'b 6', 'c 11', 'a 12', 'b gone']);
    expect(informer.all().map(({ metadata }) => metadata!.name)).toEqual(['a', 'c']);
    expect([api.lists, api.watches.length]).toEqual([1, 1]);
  });

  it('resumes where it was, bookmarks included, without another list', async () => {
    const { api, clock } = await started();
    api.send('BOOKMARK', object('', '42'));
    await clock.advance(0);
    api.watches[0]!.body.end();
    await clock.advance(200);
    expect(api.watches.map(({ version }) => version)).toEqual(['10', '42']);
    expect(api.lists).toBe(1);
  });

  it('lists anew when its version is too old, and tells what was missed', async () => {
    const { api, clock, seen } = await started();
    api.items = [object('a', '5'), object('d', '50')];
    api.version = '60';
    api.send('ERROR', { code: 410, reason: 'Expired', message: 'too old' });
    await clock.advance(200);
    expect(seen.slice(2)).toEqual(['d 50', 'b gone']);
    expect(api.watches.at(-1)!.version).toBe('60');
  });

  it('failure 15: replaces a watch that is silent for too long', async () => {
    const { api, clock } = await started();
    await clock.advance(85_000);
    api.send('BOOKMARK', object('', '11'));
    await clock.advance(85_000);
    expect(api.watches.length).toBe(1);
    await clock.advance(15_000);
    expect(api.watches.length).toBe(2);
    expect(api.watches[0]!.aborted).toBe(true);
  });

  it('does not become a loop when watches end at once', async () => {
    const { api, clock } = await started();
    for (let i = 0; i < 200; i++) {
      api.watches.at(-1)!.body.end();
      await clock.advance(100);
    }
    expect(api.watches.length).toBeLessThan(15);
  });

  it('takes over what a write returned, but nothing older than the watch has seen', async () => {
    const { api, clock, informer } = await started();
    informer.learn(object('new', '20'));
    expect(informer.get('new')).toBeDefined();
    api.send('DELETED', object('new', '30'));
    await clock.advance(0);
    informer.learn(object('new', '25'));
    expect(informer.get('new')).toBeUndefined();
  });

  it('is empty where it is forbidden and optional, and asks again later', async () => {
    const { api, clock, informer, stop, run } = await started({ optional: true });
    stop.abort();
    await run;
    api.forbidden = true;
    const again = new AbortController();
    const second = informer.run(again.signal);
    await clock.advance(0);
    await informer.synced;
    expect(informer.all()).toEqual([]);
    const asked = api.lists;
    await clock.advance(299_000);
    expect(api.lists).toBe(asked);
    await clock.advance(2_000);
    expect(api.lists).toBe(asked + 1);
    again.abort();
    await second;
  });

  it('leaves no timer and no watch behind', async () => {
    const { api, clock, stop, run } = await started();
    stop.abort();
    await run;
    expect(api.watches[0]!.aborted).toBe(true);
    expect(clock.pending).toBe(0);
  });
});
