import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { settle, VirtualClock } from '@streamspace/testkit';
import { systemClock, type Clock } from 'clock-port';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiClient, ApiError } from '../../src/kubernetes/index.ts';
import { listWatch, type KubernetesObject, type Sighting } from '../../src/kubernetes/list-watch.ts';
import { until } from '../support/programs.ts';

interface Request {
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
  readonly response: ServerResponse;
}

const object = (resourceVersion: string) => ({ metadata: { name: 'x', uid: 'u', resourceVersion } });

/** An API server that answers what the test says, when it says so. */
class FakeApiServer {
  readonly requests: Request[] = [];
  connections = 0;
  readonly #server: Server;
  #taken = 0;

  constructor() {
    this.#server = createServer((request, response) => {
      this.requests.push({ url: new URL(request.url!, 'http://x'), headers: request.headers, response });
    });
    this.#server.on('connection', () => this.connections++);
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The next request that has not been taken. */
  async next(): Promise<Request> {
    await until(() => this.requests.length > this.#taken, 5000, 'a request');
    return this.requests[this.#taken++]!;
  }

  async nextList(revision: string, ...items: object[]): Promise<void> {
    const { url, response } = await this.next();
    expect(url.searchParams.get('watch')).toBeNull();
    response.end(JSON.stringify({ metadata: { resourceVersion: revision }, items }));
  }

  /** The next request, which must be a watch from that revision; returns how to send its events. */
  async nextWatch(from: string): Promise<{ send(type: string, object: object): void; end(): void; break(): void }> {
    const { url, response } = await this.next();
    expect(url.searchParams.get('watch')).toBe('1');
    expect(url.searchParams.get('resourceVersion')).toBe(from);
    expect(url.searchParams.get('allowWatchBookmarks')).toBe('true');
    expect(url.searchParams.get('fieldSelector')).toBe('metadata.name=x');
    response.flushHeaders();
    return {
      send: (type, value) => void response.write(`${JSON.stringify({ type, object: value })}\n`),
      end: () => void response.end(),
      break: () => void response.destroy(),
    };
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

describe('list and watch', () => {
  let api: FakeApiServer;
  let client: ApiClient;
  let config: KubeConfig;
  let folder: string;
  let end: AbortController;
  let watching: Promise<void>;
  const sightings: Sighting<KubernetesObject>[] = [];

  beforeEach(async () => {
    api = new FakeApiServer();
    folder = await mkdtemp(join(tmpdir(), 'list-watch-'));
    await writeFile(join(folder, 'token'), 'first');
    config = new KubeConfig();
    config.loadFromClusterAndUser(
      { name: 'c', server: await api.start(), skipTLSVerify: true },
      { name: 'u', authProvider: { name: 'tokenFile', config: { tokenFile: join(folder, 'token') } } },
    );
    client = new ApiClient(config);
    end = new AbortController();
    sightings.length = 0;
  });
  afterEach(async () => {
    end.abort(new Error('the test is over'));
    client.close();
    await api.stop();
    await rm(folder, { recursive: true });
  });

  function start(
    clock: Clock = systemClock,
    onSighting: (sighting: Sighting<KubernetesObject>) => 'list again' | void = () => undefined,
  ) {
    watching = listWatch<KubernetesObject>(
      {
        client,
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
    await until(async () => (await settle(), clock.pending === 0), 5000, 'no timer left');
  });

  it('answers refusals with their reason, and how long to wait', async () => {
    const call = client.call({ method: 'GET', path: '/x?y=z' }, end.signal);
    const { response } = await api.next();
    response.writeHead(429, { 'retry-after': '7' }).end('{"message":"slow down"}');
    const error = await call.catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ status: 429, retryAfterMs: 7000, message: 'GET /x: 429 slow down' });
  });

  it('names the remedy when a right is missing', async () => {
    const call = client.call({ method: 'POST', path: '/x', body: {} }, end.signal);
    const { response } = await api.next();
    response.writeHead(403).end('{"message":"leases is forbidden"}');
    await expect(call).rejects.toThrow(/leases is forbidden.*role/);
  });

  it('uses a connection again, and none that a call has hung on', async () => {
    for (let i = 0; i < 3; i++) {
      const call = client.call({ method: 'GET', path: '/x' }, end.signal);
      (await api.next()).response.end('{}');
      await call;
    }
    expect(api.connections).toBe(1);
    const hung = new AbortController();
    const call = client.call({ method: 'GET', path: '/x' }, hung.signal);
    await api.next();
    hung.abort(new Error('no answer'));
    await expect(call).rejects.toThrow('no answer');
    const again = client.call({ method: 'GET', path: '/x' }, end.signal);
    (await api.next()).response.end('{}');
    await again;
    expect(api.connections).toBe(2);
  });

  it('a call that hangs does not disturb another', async () => {
    const patient = client.call({ method: 'GET', path: '/patient' }, end.signal);
    const { response } = await api.next();
    const hung = new AbortController();
    const call = client.call({ method: 'GET', path: '/hangs' }, hung.signal);
    await api.next();
    hung.abort(new Error('no answer'));
    await expect(call).rejects.toThrow('no answer');
    response.end('{"answered":true}');
    expect(await patient).toEqual({ answered: true });
  });

  it('reads a token that was rotated', async () => {
    const call = async () => {
      const calling = client.call({ method: 'GET', path: '/x' }, end.signal);
      const { headers, response } = await api.next();
      response.end('{}');
      await calling;
      return headers.authorization;
    };
    expect(await call()).toBe('Bearer first');
    await writeFile(join(folder, 'token'), 'second');
    // the library reads the file once a minute
    const auth = (config as unknown as { authenticators: { lastRead?: Date }[] }).authenticators;
    for (const authenticator of auth) if (authenticator.lastRead) authenticator.lastRead = new Date(0);
    expect(await call()).toBe('Bearer second');
  });
});
