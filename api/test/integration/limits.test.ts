import { afterEach, beforeEach, expect, test } from 'vitest';
import { Admission } from '../../src/agents/door/admission.ts';
import { VirtualClock } from '@streamspace/testkit';
import { TestHub } from '../support/hub.ts';
import { Rest } from '../support/rest.ts';

let hub: TestHub;
beforeEach(async () => {
  hub = await TestHub.start();
});
afterEach(() => hub.stop());

const code = (error: unknown) => (error as { body?: { error?: { code?: string } } }).body?.error?.code;

test('S7 tickets that do not hold are counted, and shut out nobody whose ticket does', async () => {
  await hub.running();
  for (let guess = 0; guess < 20; guess += 1) {
    const refused = await hub.viewer('s1', { ticket: `guess-${guess}` }).catch(code);
    expect(refused).toBe('ticket_invalid');
  }
  expect(await hub.viewer('s1', { ticket: 'one more' }).catch(code)).toBe('rate_limited');
  expect((await hub.viewer('s1')).ws.readyState).toBe(1);
  // of another session they are others'
  expect(await hub.viewer('s2', { ticket: 'guess' }).catch(code)).toBe('ticket_invalid');
  await hub.clock.advance(3_000);
  expect(await hub.viewer('s1', { ticket: 'a further one' }).catch(code)).toBe('ticket_invalid');
});

test('S7 handshakes are admitted after the credential held: strangers use up nothing of HANDSHAKE_RATE', async () => {
  await hub.stop();
  hub = await TestHub.start(undefined, undefined, { HANDSHAKE_RATE: '3' });
  const stranger = `ssa_a1.${'x'.repeat(43)}`;
  for (let n = 0; n < 12; n += 1)
    expect(await hub.agent('a1', { credential: stranger }).catch(code)).toBe('unauthenticated');
  for (let n = 0; n < 3; n += 1) (await hub.agent('a1')).ws.terminate();
  expect(await hub.agent('a1').catch(code)).toBe('rate_limited');
});

test('tickets that hold are not counted', async () => {
  await hub.running();
  for (let viewer = 0; viewer < 30; viewer += 1) (await hub.viewer('s1')).ws.terminate();
});

test('one agent id may not connect as often as it likes; another one may', async () => {
  for (let attempt = 0; attempt < 30; attempt += 1) (await hub.agent('a1')).ws.terminate();
  expect(await hub.agent('a1').catch(code)).toBe('rate_limited');
  expect((await hub.agent('a2')).ws.readyState).toBe(1);
  await hub.clock.advance(1_000);
  expect((await hub.agent('a1')).ws.readyState).toBe(1);
});

test('an agent that sends control messages without end is closed', async () => {
  const agent = await hub.welcome();
  for (let n = 0; n < 21_000; n += 1) agent.say({ type: 'ack', command_id: 'c-none', attempt: 1 });
  expect((await agent.closed).code).toBe(4427);
});

test('slow-loris: headers and requests have to arrive in time', () => {
  expect(hub.app.server.headersTimeout).toBeLessThanOrEqual(15_000);
  expect(hub.app.server.requestTimeout).toBeLessThanOrEqual(30_000);
});

test('admission: a second’s worth at once, then one place after the other, each with its time', () => {
  const clock = new VirtualClock();
  const admission = new Admission(clock, { perSecond: 10, inProgress: 100 });
  const waits: number[] = [];
  for (let n = 0; n < 25; n += 1) {
    try {
      admission.enter(0);
    } catch (error) {
      waits.push((error as { details: { retry_after_ms: number } }).details.retry_after_ms);
    }
  }
  expect(waits).toHaveLength(15);
  expect(waits[0]).toBeGreaterThanOrEqual(1_000);
  expect(waits).toEqual(waits.toSorted((a, b) => a - b));
  expect(waits.at(-1)).toBeGreaterThan(waits[0]! + 1_000);
  expect(() => new Admission(clock, { perSecond: 10, inProgress: 3 }).enter(3)).toThrow('come again');
});

test('[AUTH3] an agent’s own enrolment token works as often as needed; who enrolled last has the credential', async () => {
  const token = `sse_${'k'.repeat(40)}`;
  const rest = await Rest.start({ AGENT_ENROLMENT_TOKENS: `lab=${token}` });
  const enrol = (agent_id: string, bearer = token) =>
    rest.as(undefined, 'POST', 'agents/enrol', { agent_id }, { authorization: `Bearer ${bearer}` });
  const first = await enrol('lab');
  expect(first.status).toBe(201);
  expect(await rest.links.deps!.authenticateAgent(first.body.credential)).toBe('lab');
  const second = await enrol('lab');
  expect(await rest.links.deps!.authenticateAgent(second.body.credential)).toBe('lab');
  await expect(rest.links.deps!.authenticateAgent(first.body.credential)).rejects.toThrow('not valid');
  expect((await enrol('other')).status).toBe(401);
  expect((await enrol('lab', `sse_${'l'.repeat(40)}`)).status).toBe(401);
  await rest.stop();
});

test('S7 bad enrolment tokens shut out nobody with a good one, whatever the address', async () => {
  const token = `sse_${'k'.repeat(40)}`;
  const rest = await Rest.start({ AGENT_ENROLMENT_TOKENS: `lab=${token}`, RATE_LIMIT: '5' });
  const enrol = (bearer: string) =>
    rest.as(undefined, 'POST', 'agents/enrol', { agent_id: 'lab' }, { authorization: `Bearer ${bearer}` });
  const bad: number[] = [];
  for (let n = 0; n < 10; n += 1) bad.push((await enrol(`bad-${n}`)).status);
  expect(bad).toEqual([...Array<number>(5).fill(401), ...Array<number>(5).fill(429)]);
  for (let n = 0; n < 5; n += 1) expect((await enrol(token)).status).toBe(201);
  await rest.stop();
});

test('S7 failures are counted by the address that a trusted proxy reports, and by none that others claim', async () => {
  const statuses = async (env: Record<string, string>, addresses: string[]) => {
    const rest = await Rest.start({ RATE_LIMIT: '1', ...env });
    const found: number[] = [];
    for (const address of addresses) {
      const headers = { authorization: 'Bearer bad', 'x-forwarded-for': address };
      found.push((await rest.as(undefined, 'POST', 'agents/enrol', { agent_id: 'lab' }, headers)).status);
    }
    await rest.stop();
    return found;
  };
  const trusting = { TRUSTED_PROXIES: '127.0.0.0/8, 10.0.0.0/8' };
  expect(await statuses({}, ['192.0.2.1', '192.0.2.2'])).toEqual([401, 429]);
  expect(await statuses(trusting, ['192.0.2.1', '192.0.2.2', '192.0.2.1'])).toEqual([401, 401, 429]);
  expect(await statuses(trusting, ['198.51.100.1, 192.0.2.1', '198.51.100.2, 192.0.2.1, 10.1.2.3'])).toEqual([
    401, 429,
  ]);
  expect(await statuses(trusting, ['2001:db8:0:1::1', '2001:db8:0:1:ffff::2', '2001:db8:0:2::1'])).toEqual([
    401, 429, 401,
  ]);
});
