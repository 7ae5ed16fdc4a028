import { KubeConfig } from '@kubernetes/client-node';
import { settle, VirtualClock } from '@streamspace/testkit';
import { systemClock, type Clock } from 'clock-port';
import { Connection, type KubeObject } from 'kube-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeApiServer, until } from '../../../kube/test/support/fake-api-server.ts';
import { type Sighting, watchOne } from '../../src/kubernetes/one-object.ts';

const object = (resourceVersion: string) => ({ metadata: { name: 'x', uid: 'u', resourceVersion } });

describe('a watch of one object', () => {
  let api: FakeApiServer;
  let connection: Connection;
  let end: AbortController;
  let watching: Promise<void>;
  const sightings: Sighting<KubeObject>[] = [];

  beforeEach(async () => {
    api = new FakeApiServer();
    const config = new KubeConfig();
    config.loadFromClusterAndUser({ name: 'c', server: await api.start(), skipTLSVerify: true }, { name: 'u' });
    connection = new Connection(config, systemClock, 'test');
    end = new AbortController();
    sightings.length = 0;
  });
  afterEach(async () => {
    end.abort(new Error('the test is over'));
    await connection.close();
    await api.stop();
  });

  function start(
    clock: Clock = systemClock,
    onSighting: (sighting: Sighting<KubeObject>) => 'list again' | void = () => undefined,
  ) {
    watching = watchOne<KubeObject>(
      {
        connection,
        clock,
        path: '/objects',
        name: 'x',
        onSighting: (sighting) => {
          sightings.push(sighting);
          return onSighting(sighting);
        },
      },
      end.signal,
    );
    watching.catch(() => undefined);
  }
  const seen = (count: number) =>
    until(
      () => sightings.length >= count,
      5000,
      () => `sightings: ${JSON.stringify(sightings)}`,
    );

  it('tells the state, then each change', async () => {
    start();
    await api.nextList('5');
    const watch = await api.nextWatch('5');
    watch.send('ADDED', object('6'));
    watch.send('MODIFIED', object('7'));
    watch.send('DELETED', object('8'));
    await seen(4);
    expect(sightings).toEqual([
      { object: undefined, revision: '5', listed: true },
      { object: object('6'), revision: '6', listed: false },
      { object: object('7'), revision: '7', listed: false },
      { object: undefined, revision: '8', listed: false },
    ]);
  });

  it('goes on where a watch ended, bookmarks included, without another list', async () => {
    start();
    await api.nextList('5', object('3'));
    const first = await api.nextWatch('5');
    first.send('MODIFIED', object('6'));
    first.send('BOOKMARK', object('9'));
    first.end();
    const second = await api.nextWatch('9');
    second.send('MODIFIED', object('10'));
    await seen(3);
    second.break();
    await api.nextWatch('10');
    expect(sightings).toHaveLength(3);
  });

  it('lists anew when the server no longer knows the revision', async () => {
    start();
    await api.nextList('5');
    const first = await api.nextWatch('5');
    first.send('ERROR', { code: 410, message: 'too old resource version' });
    await api.nextList('90', object('88'));
    await api.nextWatch('90');
    expect(sightings.at(-1)).toEqual({ object: object('88'), revision: '90', listed: true });
  });

  it('lists anew when the server says 410 at once', async () => {
    start();
    await api.nextList('5');
    const { response } = await api.next();
    response.writeHead(410).end('{"message":"gone"}');
    await api.nextList('90');
    await api.nextWatch('90');
  });

  it('lists anew when it is told that a list is old', async () => {
    start(systemClock, () => (sightings.length < 2 ? 'list again' : undefined));
    await api.nextList('5');
    await api.nextList('6');
    await api.nextWatch('6');
  });

  it('fails when it can not go on, so that others look for themselves', async () => {
    start();
    await api.nextList('5');
    (await api.nextWatch('5')).break();
    (await api.nextWatch('5')).break();
    await expect(watching).rejects.toThrow();
  });

  it('fails on a line that is no JSON, instead of passing it over', async () => {
    start();
    await api.nextList('5');
    for (let i = 0; i < 2; i++) {
      const { response } = await api.next();
      response.write('{"type":"ADD\n');
    }
    await expect(watching).rejects.toThrow('not JSON');
  });

  it('failure 15: replaces a watch that is silent for longer than a bookmark takes', async () => {
    const clock = new VirtualClock();
    start(clock);
    await api.nextList('5');
    const first = await api.nextWatch('5');
    first.send('MODIFIED', object('7'));
    await seen(2);
    await clock.advance(120_000);
    await api.nextWatch('7');
    end.abort(new Error('enough'));
    await until(
      async () => (await settle(), clock.pending === 0),
      5000,
      () => 'no timer left',
    );
  });
});
