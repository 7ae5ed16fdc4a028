import { AuditEntry, StreamSpaceError } from '@streamspace/protocol';
import type { RouteOptions } from 'fastify';
import { Compile } from 'typebox/compile';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { check } from '../../src/audit/chain.ts';
import type { Store } from '../../src/store/store.ts';
import { TestHub } from '../support/hub.ts';
import { Rest } from '../support/rest.ts';

/** Changing routes without an entry: none. */
const WITHOUT: readonly string[] = [];
const READS = new Set(['GET', 'HEAD', 'OPTIONS']);

describe('P8 the audit log of the API', () => {
  let hub: Rest;
  let away: boolean;
  /** What was stored when an entry was written. */
  let order: string[];
  beforeEach(async () => {
    away = false;
    order = [];
    const change = (store: Store): Store => ({
      ...store,
      audit: {
        ...store.audit,
        async append(...args) {
          if (away) throw new StreamSpaceError('store_unavailable', 'the store is away');
          order.push(...args[1].map(({ text }) => (JSON.parse(text) as AuditEntry).action));
          return store.audit.append(...args);
        },
      },
    });
    hub = await Rest.start({}, change);
    await hub.agent('a1');
  });
  afterEach(() => hub.stop());

  const create = (who: string) => hub.as(who, 'POST', 'sessions', { template: 'desktop', name: 'secret plans' });
  const entries = async (who = 'admin', query = '') =>
    ((await hub.as(who, 'GET', `audit${query}`)).body as { items: AuditEntry[]; next: number | null }).items;

  it('has every change, who did it to what of whose, from where and with which result; and nothing of what was in it', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const { body } = await hub.as(
      'alice',
      'POST',
      'sessions',
      { template: 'desktop', name: 'secret plans' },
      { traceparent },
    );
    const { id } = body.session;
    await hub.store.sessions.update(id, { state: 'running' });
    await hub.as('admin', 'POST', `sessions/${id}/ticket`, {});
    await hub.as('bob', 'DELETE', `sessions/${id}`);
    await hub.as('bob', 'PATCH', 'agents/a1', { status: 'offline' });
    await hub.as('admin', 'PATCH', 'agents/a1', { status: 'offline' });
    await hub.as('admin', 'POST', 'agents/enrolments', { agent_id: 'a2' });
    await hub.as('alice', 'DELETE', `sessions/${id}?delete_home=true`);
    const all = (await entries()).toReversed();
    for (const each of all) expect(Compile(AuditEntry).Errors(each)).toEqual([]);
    const short = all.map(({ actor, admin, action, subject, owner, result, code, details }) => ({
      who: `${actor}${admin ? ' as admin' : ''}`,
      what: `${action} ${subject}${owner === null ? '' : ` of ${owner}`}: ${result}${code === null ? '' : ` (${code})`}`,
      details,
    }));
    expect(short).toEqual([
      { who: 'alice', what: `session.create session/${id} of alice: ok`, details: { template: 'desktop' } },
      { who: 'admin as admin', what: `ticket.make session/${id} of alice: ok`, details: {} },
      { who: 'bob', what: `session.delete session/${id}: refused (not_found)`, details: { delete_home: 'false' } },
      { who: 'bob', what: 'agent.change agent/a1: refused (forbidden)', details: {} },
      { who: 'admin as admin', what: 'agent.change agent/a1: ok', details: { status: 'offline' } },
      { who: 'admin as admin', what: 'agent.enrolment agent/a2: ok', details: { uses: '1', ttl: '1h' } },
      { who: 'alice', what: `session.delete session/${id} of alice: ok`, details: { delete_home: 'true' } },
    ]);
    expect(all[0]).toMatchObject({ seq: 1, trace_id: '0af7651916cd43dd8448eb211c80319c', address: '127.0.0.1' });
    expect(JSON.stringify(all)).not.toMatch(/secret plans|sse_|ticket=/);
  });

  it('is written before the answer: without it there is none', async () => {
    expect((await create('alice')).status).toBe(202);
    expect(order).toEqual(['session.create']);
    away = true;
    expect(await create('alice')).toMatchObject({ status: 503, code: 'store_unavailable' });
    // what is refused stays refused, in the same words
    expect(await hub.as('bob', 'PATCH', 'agents/a1', { status: 'offline' })).toMatchObject({
      status: 403,
      code: 'forbidden',
    });
    // reading goes on
    expect((await hub.as('alice', 'GET', 'sessions')).status).toBe(200);
    away = false;
    expect((await create('alice')).status).toBe(202);
  });

  it('does not grow by strangers and faulty programs', async () => {
    await hub.app.inject({ method: 'POST', url: '/api/v1/sessions', payload: { template: 'desktop' } });
    await hub.as('alice', 'POST', 'sessions', { template: 7 });
    const foreign = { origin: 'https://elsewhere.example' };
    for (const who of [undefined, 'alice'])
      expect(await hub.as(who, 'POST', 'sessions', { template: 'desktop' }, foreign)).toMatchObject({
        status: 403,
        code: 'origin_refused',
      });
    const enrol = { agent_id: 'a2' };
    expect((await hub.as(undefined, 'POST', 'agents/enrol', enrol, foreign)).code).toMatch(
      /origin_refused|unauthenticated/,
    );
    expect(await entries()).toEqual([]);
  });

  it('shows users what they did and what was done to theirs, an admin’s look included; and admins all, with filters', async () => {
    const { id } = (await create('alice')).body.session;
    await create('bob');
    await hub.store.sessions.update(id, { state: 'running' });
    await hub.as('admin', 'POST', `sessions/${id}/ticket`, {});
    const seen = async (who: string, query = '') =>
      (await entries(who, query)).map(({ actor, action }) => `${actor} ${action}`);
    expect(await seen('alice')).toEqual(['admin ticket.make', 'alice session.create']);
    expect(await seen('alice', '?user=bob')).toEqual([]);
    expect(await seen('bob')).toEqual(['bob session.create']);
    expect(await seen('admin', '?action=session.create')).toEqual(['bob session.create', 'alice session.create']);
    expect(await seen('admin', `?subject=session/${id}&user=admin`)).toEqual(['admin ticket.make']);
    expect(await seen('admin', '?limit=1')).toEqual(['admin ticket.make']);
    expect(await seen('admin', '?before=2')).toEqual(['alice session.create']);
    for (const query of ['?limit=0', '?limit=1001', '?before=x', '?action=nothing', '?format=xml'])
      expect((await hub.as('admin', 'GET', `audit${query}`)).code).toBe('invalid_request');
  });

  it('is exported as its own texts, which can be checked, and as a table', async () => {
    for (let n = 0; n < 5; n++) await create('alice');
    const lines = await hub.as('admin', 'GET', 'audit?format=ndjson&limit=3');
    expect(lines.headers['content-type']).toBe('application/x-ndjson; charset=utf-8');
    expect(lines.headers['x-next']).toBe('3');
    const texts = lines.body.trim().split('\n').toReversed();
    expect(await check(texts)).toMatchObject({ count: 3, first: 3, last: { seq: 5 }, problem: undefined });
    const table = await hub.as('admin', 'GET', 'audit?format=csv');
    expect(table.headers['x-next']).toBeUndefined();
    expect(table.body.split('\r\n')).toHaveLength(1 + 5 + 1);
  });

  it('is told of every changing route', async () => {
    const changing = hub.links.routes.filter(
      ({ url, method }) => url.startsWith('/api/v1/') && [method].flat().some((each) => !READS.has(each)),
    );
    expect(changing.length).toBeGreaterThan(12);
    const missing = changing.filter(({ config }: RouteOptions) => config?.audit === undefined).map(({ url }) => url);
    expect(missing).toEqual(WITHOUT);
  });
});

describe('P8 the audit log of screens', () => {
  let hub: TestHub;
  beforeEach(async () => {
    hub = await TestHub.start();
  });
  afterEach(() => hub.stop());

  it('has who opened one before anything is shown, and its end', async () => {
    const { agent } = await hub.running();
    const actions = async () =>
      (await hub.store.audit.read(undefined, 10))
        .map((text) => JSON.parse(text) as AuditEntry)
        .map(({ actor, owner, action, subject }) => `${actor} ${action} ${subject} of ${owner}`)
        .toReversed();
    const { viewer } = await hub.screen(agent);
    expect(await actions()).toEqual(['ann screen.open session/s1 of ann']);
    viewer.ws.close();
    await vi.waitFor(async () => expect(await actions()).toHaveLength(2), 10_000);
    expect((await actions())[1]).toBe('ann screen.close session/s1 of ann');
  });
});
