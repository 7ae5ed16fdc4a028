import { type ClientRequest, request as httpRequest, METHODS } from 'node:http';
import { connect } from 'node:net';
import { SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256Hex } from '../../src/auth/secrets.ts';
import { TestHub } from '../support/hub.ts';

let hub: TestHub;
beforeEach(async () => {
  hub = await TestHub.start();
});
afterEach(() => hub.stop());

/** Bytes that an answer, or a line of the log, may have whatever was sent. */
const MAX = 8_192;
const LONG = 'x'.repeat(7_000);

const logged = () => JSON.stringify(hub.logged).length;
const bodyOf = (fields: number) =>
  JSON.stringify(Object.fromEntries(Array.from({ length: fields }, (_, n) => [n.toString(36), 1])));
const enrol = (bearer?: string, body = bodyOf(8_152)) =>
  fetch(`http://127.0.0.1:${hub.port}/api/v1/agents/enrol`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }) },
    body,
  });

/** The port that serves the path. */
const portOf = (path: string) => (path.startsWith('/internal/') ? Number(new URL(hub.address).port) : hub.port);

interface Answered {
  status: number;
  text: string;
}

/** A request with any method and headers; `pending`: of its body nothing is ever sent, though 60,000 bytes are announced. */
function ask(
  path: string,
  {
    method = 'GET',
    headers = {},
    pending = false,
    port = hub.port,
  }: { method?: string; headers?: Record<string, string>; pending?: boolean; port?: number } = {},
): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const announced = pending ? { 'content-type': 'application/json', 'content-length': '60000' } : {};
    const out: ClientRequest = httpRequest(
      { host: '127.0.0.1', port, path, method, headers: { ...announced, ...headers }, agent: false },
      (response) => {
        let text = JSON.stringify(response.headers);
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('end', () => {
          out.destroy();
          resolve({ status: response.statusCode ?? 0, text });
        });
      },
    );
    out.on('error', reject);
    if (pending) out.flushHeaders();
    else out.end();
  });
}

describe('S2 what a stranger sends makes neither answer nor log grow', () => {
  it('8,152 unknown fields without credentials: a refusal of a line', async () => {
    const answer = await enrol();
    expect(answer.status).toBe(401);
    expect((await answer.text()).length).toBeLessThan(500);
    expect(logged()).toBeLessThan(1_000);
  });

  it('with a token: 20 problems, and how many more', async () => {
    const token = 'sse_of-this-test';
    await hub.store.credentials.putEnrolment(sha256Hex(token), {
      agentId: null,
      expiresAt: '2999-01-01T00:00:00.000Z',
      uses: 1,
    });
    const answer = await enrol(token);
    expect(answer.status).toBe(400);
    const text = await answer.text();
    const { error } = JSON.parse(text) as { error: { message: string; details: { fields: unknown[]; more: number } } };
    expect(error.details.fields).toHaveLength(20);
    expect(error.details.more).toBe(8_133);
    expect(error.message).toContain('and 8133 more problems');
    expect(text.length).toBeLessThan(MAX);
    expect(logged()).toBeLessThan(MAX);
    const long = await enrol(token, JSON.stringify({ [LONG.repeat(8)]: 1, agent_id: 'a1' }));
    expect((await long.text()).length).toBeLessThan(1_000);
  });

  it.each<[string, string, Parameters<typeof ask>[1]]>([
    ['path', `/${LONG}`, {}],
    ['path of a page', `/${LONG}`, { headers: { accept: 'text/html' } }],
    ['path of the API', `/api/v1/${LONG}`, {}],
    ['path that is no text', `/api/v1/agents/%ff${LONG}`, {}],
    ['parameter', `/api/v1/agents/${LONG}`, {}],
    ['query', `/api/v1/agents?${'a&'.repeat(3_000)}`, {}],
    ['name in a query', `/api/v1/health?${LONG}=1`, {}],
    ['Origin', '/api/v1/health', { headers: { origin: `http://${LONG}` } }],
    ['Host', '/api/v1/health', { headers: { host: LONG } }],
    ['bearer', '/api/v1/agents', { headers: { authorization: `Bearer ${LONG}` } }],
    ['scheme', '/api/v1/agents', { headers: { authorization: LONG } }],
    [
      'traceparent',
      '/api/v1/agents',
      { headers: { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-00-${LONG}` } },
    ],
    ['content type', '/api/v1/agents/enrol', { method: 'POST', headers: { 'content-type': LONG }, pending: true }],
    ['peer', '/internal/v1/probe', { method: 'POST', headers: { authorization: `Peer ${LONG}` }, pending: true }],
  ])('a long %s', async (_what, path, options) => {
    const { text } = await ask(path, { ...options, port: portOf(path) });
    expect(text.length).toBeLessThan(MAX);
    expect(text).not.toContain('x'.repeat(301));
    expect(logged()).toBeLessThan(MAX);
    expect(JSON.stringify(hub.logged)).not.toContain('x'.repeat(301));
  });

  it.each(METHODS.filter((method) => method !== 'CONNECT'))('the method %s', async (method) => {
    const { text, status } = await ask(`/api/v1/${LONG}`, { method, pending: method !== 'GET' && method !== 'HEAD' });
    expect(status).toBeGreaterThanOrEqual(400);
    expect(text.length).toBeLessThan(2_048);
    expect(logged()).toBeLessThan(2_048);
  });

  it.each([
    ['path', `/${LONG}`, {}],
    ['session', `/api/v1/sessions/${LONG}/vnc?ticket=x`, {}],
    ['ticket', `/api/v1/sessions/s1/vnc?ticket=${LONG}`, {}],
    ['Origin of a viewer', '/api/v1/sessions/s1/vnc?ticket=x', { origin: `http://${LONG}` }],
    [
      'credential',
      '/api/v1/agent/connect',
      { 'sec-websocket-protocol': 'streamspace.agent.v1', authorization: `Bearer ssa_a1.${LONG}` },
    ],
    ['subprotocol', '/api/v1/agent/connect', { 'sec-websocket-protocol': LONG }],
    ["replica's session", `/internal/v1/sessions/${LONG}/screen`, { authorization: `Peer ${LONG}` }],
  ])('an upgrade with a long %s', async (_what, path, headers) => {
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(portOf(path), '127.0.0.1');
      let text = '';
      const lines = Object.entries({
        host: 'hub',
        connection: 'upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
        ...headers,
      }).map(([name, value]) => `${name}: ${value}`);
      socket.on('data', (chunk) => (text += String(chunk)));
      socket.on('error', reject);
      socket.on('close', () => resolve(text));
      socket.end(`GET ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
    });
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d/);
    expect(answer.length).toBeLessThan(1_000);
    expect(logged()).toBeLessThan(1_000);
  });
});

describe('S2 credentials are looked at before the body', () => {
  it('every route but the open ones answers 401 though nothing of the body has come', async () => {
    const { paths } = (await hub.app.inject('/api/v1/openapi.json')).json<{
      paths: Record<string, Record<string, { security: object[] }>>;
    }>();
    const tried: string[] = [];
    for (const [path, operations] of Object.entries(paths))
      for (const [method, { security }] of Object.entries(operations)) {
        if (security.length === 0) continue;
        const url = path.replaceAll(/\{\w+\}/g, 'x');
        const answer = await ask(url, { method: method.toUpperCase(), pending: method !== 'get' });
        expect(answer.status, `${method} ${path}`).toBe(401);
        tried.push(`${method} ${path}`);
      }
    expect(tried.length).toBeGreaterThan(15);
    for (const purpose of ['probe', 'supersede', 'rotate', 'close'])
      expect(
        (await ask(`/internal/v1/${purpose}`, { method: 'POST', pending: true, port: portOf('/internal/') })).status,
        purpose,
      ).toBe(401);
    expect((await ask('/api/v1/nothing', { method: 'POST', pending: true })).status).toBe(404);
  });

  it('a user who may not do it is refused before the body, too', async () => {
    const token = await new SignJWT({ sub: 'ann', roles: ['user'], exp: Math.floor(hub.clock.now() / 1_000) + 60 })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(Buffer.from(hub.deps.config.jwt.secrets[0]!));
    const headers = { authorization: `Bearer ${token}` };
    expect((await ask('/api/v1/agents/enrolments', { method: 'POST', headers, pending: true })).status).toBe(403);
  });
});
