import { StreamSpaceError } from '@streamspace/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Rest } from '../support/rest.ts';

let hub: Rest;
beforeEach(async () => {
  hub = await Rest.start();
});
afterEach(() => hub.stop());

describe('[AUTH3] enrolment of agents', () => {
  const enrol = (token: string | undefined, agentId = 'a1', more: object = {}) =>
    hub.as(
      undefined,
      'POST',
      'agents/enrol',
      { agent_id: agentId, ...more },
      token === undefined ? {} : { authorization: `Bearer ${token}` },
    );
  const token = async (wish: object = {}) =>
    (await hub.as('admin', 'POST', 'agents/enrolments', wish)).body.token as string;
  const authenticate = (credential: string | undefined) => hub.links.deps!.authenticateAgent(credential);

  it('exchanges a token for a credential of its own, of exactly one agent', async () => {
    const { status, body, headers } = await enrol(await token({ agent_id: 'a1' }));
    expect(status).toBe(201);
    expect(headers['cache-control']).toBe('no-store');
    expect(body.agent_id).toBe('a1');
    expect(body.credential).toMatch(/^ssa_a1\.[\w-]{43}$/);
    expect(await authenticate(body.credential)).toBe('a1');
  });

  it('[AUTH4] stores no credential and no token as they are', async () => {
    const kept: unknown[] = [];
    await hub.stop();
    hub = await Rest.start({}, (store) => {
      const { credentials } = store;
      return {
        ...store,
        credentials: {
          ...credentials,
          putEnrolment: (...all) => (kept.push(all), credentials.putEnrolment(...all)),
          set: (...all) => (kept.push(all), credentials.set(...all)),
        },
      };
    });
    const enrolment = await token({ agent_id: 'a1' });
    const { credential } = (await enrol(enrolment)).body;
    expect(kept).toHaveLength(2);
    expect(JSON.stringify(kept)).not.toContain(enrolment);
    expect(JSON.stringify(kept)).not.toContain(credential.split('.')[1]);
  });

  it('takes a token as often and as long as it was made for', async () => {
    const once = await token({ agent_id: 'a1' });
    expect((await enrol(once)).status).toBe(201);
    expect(await enrol(once)).toMatchObject({ status: 401, code: 'unauthenticated' });
    const twice = await token({ uses: 2 });
    expect((await enrol(twice, 'a2')).status).toBe(201);
    expect((await enrol(twice, 'a3')).status).toBe(201);
    expect((await enrol(twice, 'a4')).status).toBe(401);
    const short = await token({ ttl: '5m' });
    await hub.clock.advance(300_000);
    expect((await enrol(short, 'a5')).status).toBe(401);
  });

  it.each([undefined, 'sse_unknown', 'Bearer'])('refuses %s', async (wrong) => {
    expect(await enrol(wrong)).toMatchObject({ status: 401, code: 'unauthenticated' });
  });

  it('failure 13: a token for one agent enrols no other, and one for any takes over none that is there', async () => {
    expect((await enrol(await token({ agent_id: 'a1' }), 'a2')).status).toBe(401);
    const { credential } = (await enrol(await token({ agent_id: 'a1' }))).body;
    expect((await enrol(await token(), 'a1')).status).toBe(401);
    expect(await authenticate(credential)).toBe('a1');
  });

  it('failure 13: the bootstrap token enrols new agents, is no key to those there are, and no credential itself', async () => {
    const bootstrap = 'b'.repeat(43);
    await hub.stop();
    hub = await Rest.start({ ENROLMENT_TOKEN: bootstrap });
    const { credential } = (await enrol(bootstrap)).body;
    expect(await enrol(bootstrap)).toMatchObject({
      status: 409,
      code: 'conflict',
      message: expect.stringContaining('/agents/enrolments'),
    });
    expect((await enrol(bootstrap, 'a2')).status).toBe(201);
    expect(await authenticate(credential)).toBe('a1');
    await expect(authenticate(bootstrap)).rejects.toMatchObject({ code: 'unauthenticated' });
    await expect(authenticate(`ssa_a1.${bootstrap}`)).rejects.toMatchObject({ code: 'unauthenticated' });
    expect((await hub.as(undefined, 'GET', 'agents', undefined, { authorization: `Bearer ${bootstrap}` })).status).toBe(
      401,
    );
    const many = await Promise.all(Array.from({ length: 5 }, () => enrol(bootstrap, 'a3')));
    expect(many.filter(({ status }) => status === 201)).toHaveLength(1);
  });

  it('enrols the agents that ENROLMENT_TOKEN_AGENTS names again: their replicas have no disk in common', async () => {
    const bootstrap = 'b'.repeat(43);
    await hub.stop();
    hub = await Rest.start({ ENROLMENT_TOKEN: bootstrap, ENROLMENT_TOKEN_AGENTS: 'a1, a9' });
    const first = (await enrol(bootstrap)).body.credential;
    const second = (await enrol(bootstrap)).body.credential;
    expect(await authenticate(second)).toBe('a1');
    await expect(authenticate(first)).rejects.toMatchObject({ code: 'unauthenticated' });
    expect((await enrol(bootstrap, 'a2')).status).toBe(201);
    expect((await enrol(bootstrap, 'a2')).status).toBe(409);
  });

  it('each replica of an agent may have a credential of its own, and a standby gets it ahead of time', async () => {
    const own = `sse_${'o'.repeat(40)}`;
    await hub.stop();
    hub = await Rest.start({ AGENT_ENROLMENT_TOKENS: `a1=${own}` });
    const leader = (await enrol(own, 'a1', { replica: 'pod-1' })).body.credential;
    const standby = (await enrol(own, 'a1', { replica: 'pod-2', standby: true })).body.credential;
    const anew = (await enrol(own, 'a1', { replica: 'pod-2' })).body.credential;
    expect(await authenticate(leader)).toBe('a1');
    expect(await authenticate(anew)).toBe('a1');
    await expect(authenticate(standby)).rejects.toMatchObject({ code: 'unauthenticated' });
    // an agent that names no replica has one for all
    const all = (await enrol(own)).body.credential;
    expect(await authenticate(all)).toBe('a1');
    for (const old of [leader, anew])
      await expect(authenticate(old)).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it('guide: a token of `openssl rand -base64 32` is one for exactly one agent, too', async () => {
    const own = `${'k/+Z'.repeat(10)}abc=`;
    await hub.stop();
    hub = await Rest.start({ AGENT_ENROLMENT_TOKENS: `a1=${own},a2=sse_${'o'.repeat(40)}` });
    const { credential } = (await enrol(own, 'a1')).body;
    expect(await authenticate(credential)).toBe('a1');
    expect((await enrol(own, 'a1')).status).toBe(201);
    expect((await enrol(own, 'a2')).status).toBe(401);
  });

  it.each([
    ['one for this agent', { agent_id: 'a1', uses: 1 }],
    ['one for any new agent', {}],
  ])('a standby does not use up %s', async (_what, wish) => {
    const made = await token(wish);
    expect(await enrol(made, 'a1', { replica: 'pod-2', standby: true })).toMatchObject({
      status: 409,
      code: 'conflict',
      message: expect.stringContaining('AGENT_ENROLMENT_TOKENS'),
    });
    expect((await enrol(made, 'a1', { replica: 'pod-1' })).status).toBe(201);
  });

  it('failure 13: a credential authenticates as its own agent only', async () => {
    const { credential } = (await enrol(await token({ agent_id: 'a1' }))).body;
    await enrol(await token({ agent_id: 'a2' }), 'a2');
    const secret = credential.split('.')[1];
    for (const wrong of [
      `ssa_a2.${secret}`,
      `ssa_.${secret}`,
      `ssa_A1.${secret}`,
      secret,
      credential.slice(0, -1),
      `${credential}x`,
      '',
      undefined,
    ]) {
      await expect(authenticate(wrong)).rejects.toMatchObject({ code: 'unauthenticated' });
    }
  });

  it('an admin can enrol an agent anew: its old credential is invalid then', async () => {
    const old = (await enrol(await token({ agent_id: 'a1' }))).body.credential;
    const fresh = (await enrol(await token({ agent_id: 'a1' }))).body.credential;
    await expect(authenticate(old)).rejects.toMatchObject({ code: 'unauthenticated' });
    expect(await authenticate(fresh)).toBe('a1');
  });

  it('[AUTH5] both credentials are valid during a rotation', async () => {
    const { credential } = (await enrol(await token({ agent_id: 'a1' }))).body;
    const { newCredential } = await import('../../src/auth/secrets.ts');
    const next = newCredential(hub.links.deps!.randomBytes, 'a1');
    await hub.store.credentials.beginRotation('a1', { hash: next.hash, rotationId: 'r1' });
    expect(await authenticate(credential)).toBe('a1');
    expect(await authenticate(next.token)).toBe('a1');
    await hub.store.credentials.finishRotation('a1', 'r1');
    await expect(authenticate(credential)).rejects.toMatchObject({ code: 'unauthenticated' });
    expect(await authenticate(next.token)).toBe('a1');
  });

  it('[AUTH5] rotates over the link, and tells when that is not possible', async () => {
    expect(await hub.as('admin', 'POST', 'agents/a1/rotate')).toMatchObject({ status: 404, code: 'not_found' });
    await enrol(await token({ agent_id: 'a1' }));
    expect(await hub.as('admin', 'POST', 'agents/a1/rotate', {})).toMatchObject({ status: 204, body: '' });
    expect(hub.links.rotated).toEqual(['a1']);
    hub.links.failure = new StreamSpaceError('agent_offline', 'agent a1 is not connected');
    expect(await hub.as('admin', 'POST', 'agents/a1/rotate')).toMatchObject({ status: 503, code: 'agent_offline' });
  });

  it('revokes a credential and ends the link; no token for any agent brings it back', async () => {
    const { credential } = (await enrol(await token({ agent_id: 'a1' }))).body;
    expect((await hub.as('admin', 'DELETE', 'agents/a1/credential')).status).toBe(204);
    expect(hub.links.closed).toEqual([{ agentId: 'a1', error: expect.objectContaining({ code: 'unauthenticated' }) }]);
    await expect(authenticate(credential)).rejects.toMatchObject({ code: 'unauthenticated' });
    expect((await enrol(await token(), 'a1')).status).toBe(401);
    expect(await hub.as('admin', 'DELETE', 'agents/a1/credential')).toMatchObject({ status: 404, code: 'not_found' });
    expect((await enrol(await token({ agent_id: 'a1' }))).status).toBe(201);
  });
});
