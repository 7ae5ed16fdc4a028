import { type IncomingMessage, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Rest } from '../support/rest.ts';

let hub: Rest;
let port: number;
let internalPort: number;
let routes: { method: string; url: string }[];
let token: string;

beforeEach(async () => {
  routes = [];
  hub = await Rest.start({ RATE_LIMIT: '100000' }, undefined, 'real');
  await hub.app.listen({ port: 0, host: '127.0.0.1' });
  ({ port } = hub.app.server.address() as AddressInfo);
  await hub.internal.listen({ port: 0, host: '127.0.0.1' });
  ({ port: internalPort } = hub.internal.server.address() as AddressInfo);
  token = await hub.sign({ sub: 'root', roles: ['admin'] });
});
afterEach(() => hub.stop());

/** What the hub answers to a request without a body over a real connection: `chunked` says so only at its end. */
async function answer(method: string, url: string, type: string | undefined, framing: 'length 0' | 'chunked') {
  const headers = {
    authorization: `Bearer ${token}`,
    connection: 'close',
    ...(type !== undefined && { 'content-type': type }),
    ...(framing === 'chunked' ? { 'transfer-encoding': 'chunked' } : { 'content-length': '0' }),
  };
  const response = await new Promise<IncomingMessage>((resolve, reject) =>
    httpRequest(
      { host: '127.0.0.1', port: url.startsWith('/internal/') ? internalPort : port, method, path: url, headers },
      resolve,
    )
      .once('error', reject)
      .end(),
  );
  let text = '';
  for await (const chunk of response) text += String(chunk);
  const { error } = JSON.parse(text) as { error?: { code: string; message: string } };
  return { status: response.statusCode, code: error?.code, message: error?.message };
}

describe('K8 an empty body is no body', () => {
  it('on every route that may have one: whatever its type says, the answer is that to a request without a type', async () => {
    const { paths = {} } = hub.app.swagger() as { paths?: Record<string, object> };
    for (const [path, operations] of Object.entries(paths))
      for (const method of Object.keys(operations))
        if (method !== 'get') routes.push({ method: method.toUpperCase(), url: path.replaceAll(/\{\w+\}/g, 'x1') });
    for (const purpose of ['probe', 'supersede', 'rotate', 'close'])
      routes.push({ method: 'POST', url: `/internal/v1/${purpose}` });
    expect(routes).toContainEqual({ method: 'DELETE', url: '/api/v1/agents/x1/credential' });
    expect(routes.length).toBeGreaterThan(12);

    const wrong: string[] = [];
    for (const { method, url } of routes) {
      const plain = await answer(method, url, undefined, 'length 0');
      for (const framing of ['length 0', 'chunked'] as const)
        for (const type of ['application/json', 'application/json; charset=utf-8', 'text/plain', 'a/b', '???']) {
          // a type that can't be read, of what may yet come
          if (framing === 'chunked' && type === '???') continue;
          const got = await answer(method, url, type, framing);
          if (got.status !== plain.status || got.message !== plain.message)
            wrong.push(`${method} ${url}, ${type}, ${framing}: ${JSON.stringify(got)}, not ${JSON.stringify(plain)}`);
        }
    }
    expect(wrong).toEqual([]);
  });

  it('DELETE of a session with a JSON content type deletes it', async () => {
    await hub.agent('a1');
    const { session } = (await hub.as('root', 'POST', 'sessions', { template: 'desktop' })).body;
    expect(await answer('DELETE', `/api/v1/sessions/${session.id}`, 'application/json', 'length 0')).toMatchObject({
      status: 202,
    });
  });
});
