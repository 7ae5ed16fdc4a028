import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { settle, VirtualClock } from '@streamspace/testkit';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Connection } from '../../src/connection.ts';
import { ApiError } from '../../src/error.ts';
import { FakeApiServer } from '../support/fake-api-server.ts';

describe('a connection to an API server', () => {
  let api: FakeApiServer;
  let clock: VirtualClock;
  let connection: Connection;
  let config: KubeConfig;
  let folder: string;
  let end: AbortController;

  beforeEach(async () => {
    api = new FakeApiServer();
    clock = new VirtualClock();
    folder = await mkdtemp(join(tmpdir(), 'connection-'));
    await writeFile(join(folder, 'token'), 'first');
    config = new KubeConfig();
    config.loadFromClusterAndUser(
      { name: 'c', server: await api.start(), skipTLSVerify: true },
      { name: 'u', authProvider: { name: 'tokenFile', config: { tokenFile: join(folder, 'token') } } },
    );
    connection = new Connection(config, clock, 'test');
    end = new AbortController();
  });
  afterEach(async () => {
    end.abort(new Error('the test is over'));
    await connection.close();
    await api.stop();
    await rm(folder, { recursive: true });
  });

  const get = (path: string, signal = end.signal) => connection.json({ method: 'GET', path }, signal);

  /** The next request is answered with an empty object. */
  const answered = async (call = get('/x')) => {
    const { response } = await api.next();
    response.end('{}');
    await call;
    // the connection is idle a moment after the answer is here
    await settle();
  };
  /** A call that nobody answers until its caller gives up. */
  async function hangs(): Promise<void> {
    const hung = new AbortController();
    const call = get('/hangs', hung.signal);
    await api.next();
    hung.abort(new Error('no answer'));
    await expect(call).rejects.toThrow('no answer');
  }

  it('says what the server refused, and how long to wait', async () => {
    const call = get('/x?y=z');
    const { response } = await api.next();
    response.writeHead(429, { 'retry-after': '7' }).end('{"kind":"Status","reason":"Slow","message":"slow down"}');
    const error = await call.catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ status: 429, reason: 'Slow', retryAfterMs: 7000, message: 'slow down' });
  });

  it('waits no longer than a minute for a server that asks for an hour', async () => {
    const call = get('/x');
    const { response } = await api.next();
    response.writeHead(503, { 'retry-after': '3600' }).end('a proxy');
    await expect(call).rejects.toMatchObject({ retryAfterMs: 60_000, message: 'The API server answered 503: a proxy' });
  });

  it('keeps no longer an answer than it was told', async () => {
    const call = connection.json({ method: 'GET', path: '/x', limit: 1000 }, end.signal);
    const { response } = await api.next();
    response.end(JSON.stringify('x'.repeat(1000)));
    await expect(call).rejects.toThrow('more than 1000 bytes');
  });

  it('uses a connection again, and none that a call has hung on', async () => {
    for (let i = 0; i < 3; i++) await answered();
    await hangs();
    await answered();
    const [first, second, third, hung, last] = api.requests.map(({ port }) => port);
    expect([second, third, hung]).toEqual([first, first, first]);
    expect(last).not.toBe(first);
  });

  it('uses no connection again that was idle when a call hung', async () => {
    const [first, second] = [get('/x'), get('/x')];
    for (let i = 0; i < 2; i++) (await api.next()).response.end('{}');
    await Promise.all([first, second]);
    await settle();
    await hangs();
    await answered();
    const [one, other, hung, last] = api.requests.map(({ port }) => port);
    expect(one).not.toBe(other);
    expect([one, other]).toContain(hung);
    expect([one, other]).not.toContain(last);
  });

  it('a call that hangs does not disturb another, nor a watch', async () => {
    const patient = get('/patient');
    const { response } = await api.next();
    const opening = connection.stream('/watch', {}, end.signal);
    const watch = await api.next();
    watch.response.write('one');
    const chunks = (await opening)[Symbol.asyncIterator]();
    await hangs();
    response.end('{"answered":true}');
    expect(await patient).toEqual({ answered: true });
    expect(String((await chunks.next()).value)).toBe('one');
    watch.response.write('two');
    expect(String((await chunks.next()).value)).toBe('two');
  });

  it('asks once more when the server closes an idle connection that is just taken up again', async () => {
    await answered();
    const call = get('/again');
    const { response } = await api.next();
    response.destroy();
    await answered(call);
    const ports = api.requests.map(({ port }) => port);
    expect(ports.slice(0, 2)).toEqual([ports[0], ports[0]]);
    expect(ports[2]).not.toBe(ports[0]);
    const reset = get('/reset');
    (await api.next()).response.socket!.resetAndDestroy();
    await answered(reset);
  });

  it('does not ask again on a new connection', async () => {
    const call = get('/x');
    (await api.next()).response.destroy();
    await expect(call).rejects.toThrow();
    expect(api.requests).toHaveLength(1);
  });

  it('reads a token that was rotated: after a while, and when it was refused', async () => {
    const rotate = async (token: string) => {
      await writeFile(join(folder, 'token'), token);
      // the library reads the file once a minute
      const auth = (config as unknown as { authenticators: { lastRead?: Date }[] }).authenticators;
      for (const authenticator of auth) if (authenticator.lastRead) authenticator.lastRead = new Date(0);
    };
    const tokens = () => api.requests.map(({ headers }) => headers.authorization);
    await answered();
    await rotate('second');
    await clock.advance(10_000);
    await answered();
    expect(tokens()).toEqual(['Bearer first', 'Bearer second']);
    await rotate('third');
    const refused = get('/x');
    (await api.next()).response.writeHead(401).end();
    await expect(refused).rejects.toMatchObject({ status: 401 });
    await settle();
    await answered();
    expect(tokens().slice(2)).toEqual(['Bearer second', 'Bearer third']);
    expect(new Set(api.requests.map(({ port }) => port)).size).toBe(1);
  });

  it('ends its attempts to connect when it is closed', async () => {
    const sockets: Socket[] = [];
    // takes connections, and says nothing
    const server = createServer((socket) => sockets.push(socket.on('error', () => undefined).resume())).listen(
      0,
      '127.0.0.1',
    );
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    config.loadFromClusterAndUser(
      { name: 'c', server: `https://127.0.0.1:${port}`, skipTLSVerify: true },
      { name: 'u' },
    );
    const waiting = new Connection(config, clock, 'test');
    const first = waiting.json({ method: 'GET', path: '/x' }, end.signal);
    await vi.waitUntil(() => sockets.length === 1, 5000);
    await waiting.close();
    await expect(first).rejects.toThrow();
    // far sooner than an attempt to connect ends by itself
    await vi.waitUntil(() => sockets[0]!.destroyed, 5000);
    server.close();
    await once(server, 'close');
  });
});
