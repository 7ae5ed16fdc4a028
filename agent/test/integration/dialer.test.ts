import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createHttp } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from 'clock-port';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Dialer } from '../../src/link/dialer.ts';

/** One address with several replicas behind it, some of which take connections and say nothing: as a Service with a frozen pod. */
describe('one address, several replicas', () => {
  const hub = createHttp((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const unknown = older && body.includes('replica');
      const status = unknown ? 400 : request.method === 'POST' ? 201 : 200;
      const error = { code: 'invalid_request', message: 'body: unknown field replica', retryable: false };
      const answer = unknown ? { error } : { agent_id: 'a1', credential: 'ssa_a1.0123456789abcdef' };
      bodies.push(body);
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(answer));
    });
  });
  /** A hub that knows of no replicas. */
  let older: boolean;
  let bodies: string[];
  let asked: string[];
  let frozen: number;
  let held: Socket[];
  let service: Server;
  let dialer: Dialer;
  const signal = () => AbortSignal.timeout(10_000);

  beforeEach(async () => {
    [asked, held, bodies, older, frozen] = [[], [], [], false, 0];
    service = createServer((socket) => {
      if (frozen-- > 0) held.push(socket);
      else hub.emit('connection', socket);
    }).listen(0, '127.0.0.1');
    await once(service, 'listening');
    const controlPlaneUrl = `ws://127.0.0.1:${(service.address() as AddressInfo).port}`;
    const proxies = { httpProxy: undefined, httpsProxy: undefined, noProxy: '' };
    dialer = new Dialer(
      { controlPlaneUrl, agentId: 'a1', podName: 'pod-1', ca: undefined, heartbeatInterval: 30_000, ...proxies },
      systemClock,
    );
  });
  afterEach(() => {
    for (const socket of held) socket.destroy();
    service.close();
  });

  it.each([0, 1, 3])('is reachable with %i replicas frozen', async (count) => {
    frozen = count;
    expect(await dialer.reachable(AbortSignal.timeout(5_000))).toBe(true);
    // on a slow machine a living one, too, may get company
    expect(asked.length).toBeGreaterThanOrEqual(1);
  });

  it('is not when nobody answers', async () => {
    frozen = 100;
    expect(await dialer.reachable(AbortSignal.timeout(1_500))).toBe(false);
    expect(held.length).toBeGreaterThan(1);
    // five where each connection stands within 70 ms; on a busy machine some count as silent, and get company sooner: all tries that there are
    expect(held.length).toBeLessThanOrEqual(10);
  });

  it('does not press a replica that took the connection and is slow', async () => {
    frozen = 100;
    await expect(dialer.enrol('sse_token', false, AbortSignal.timeout(1_200))).rejects.toThrow();
    // as to silent machines, it would be six
    expect(held.length).toBeLessThanOrEqual(4);
  });

  it.each([1, 4])('enrols with another replica when %i before it are frozen', async (count) => {
    frozen = count;
    expect(await dialer.enrol('sse_token', false, signal())).toBe('ssa_a1.0123456789abcdef');
    expect(asked.length).toBeGreaterThanOrEqual(1);
  });

  it('[VER1] enrols at an older hub, which knows of no replicas; a standby does not', async () => {
    await dialer.enrol('sse_token', true, signal());
    expect(bodies.map((body) => JSON.parse(body) as object)).toEqual([
      { agent_id: 'a1', replica: 'pod-1', standby: true },
    ]);
    [older, bodies] = [true, []];
    expect(await dialer.enrol('sse_token', false, signal())).toBe('ssa_a1.0123456789abcdef');
    expect(bodies.map((body) => JSON.parse(body) as object)).toEqual([
      { agent_id: 'a1', replica: 'pod-1' },
      { agent_id: 'a1' },
    ]);
    bodies = [];
    await expect(dialer.enrol('sse_token', true, signal())).rejects.toMatchObject({ code: 'invalid_request' });
    expect(bodies).toHaveLength(1);
  });
});
