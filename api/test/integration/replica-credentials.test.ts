import { createHmac, randomBytes } from 'node:crypto';
import { StreamSpaceError } from '@streamspace/protocol';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { signPeer } from '../../src/peers/credential.ts';
import { eventually } from '../support/inbox.ts';
import { opened, type RefusedUpgrade } from '../support/scripted-agent.ts';
import { holder, other, threeHubs } from '../support/three-hubs.ts';

threeHubs();

describe('[AUTH5] a revoked credential', () => {
  test('lets nobody in who was authenticated at another replica a moment before, and accepted a moment after', async () => {
    const claim = holder.store.agents.claim.bind(holder.store.agents);
    let open!: () => void;
    const passed = new Promise<void>((resolve) => (open = resolve));
    holder.store.agents.claim = (...args) => passed.then(() => claim(...args));
    const agent = await other.agent('a1');
    const answer = agent.hello();
    await holder.store.credentials.revoke('a1');
    await holder.gateway.close('a1', new StreamSpaceError('unauthenticated', 'revoked'));
    open();
    await answer;
    expect(await agent.closed).toMatchObject({ code: 4410, reason: expect.stringContaining('was revoked') as unknown });
    await eventually('gone', async () => (await holder.store.agents.get('a1'))?.connected === false);
  });

  test('ends the link at the next heartbeat where the replica that holds it was not told', async () => {
    const agent = await holder.welcome();
    await other.store.credentials.revoke('a1');
    agent.say({
      type: 'heartbeat',
      seq: 1,
      status: 'online',
      capacity: { cpu: 8, memory: 16e9, max_sessions: 10 },
      active_sessions: 0,
      replicas: [],
    });
    expect((await agent.closed).code).toBe(4410);
  });
});

describe('peers prove who they are', () => {
  const dial = (authorization?: string) =>
    new WebSocket(`${holder.address.replace('http', 'ws')}/internal/v1/sessions/s1/screen`, {
      headers: authorization === undefined ? {} : { authorization },
    });
  const refusal = (authorization?: string) =>
    opened(dial(authorization)).then(
      () => 'open',
      (error: unknown) => (error as RefusedUpgrade).body.error?.message ?? '',
    );
  const signed = (change: Partial<Parameters<typeof signPeer>[1]> = {}, secret?: string, at = 0) =>
    `Peer ${signPeer(
      secret ?? holder.deps.config.peerSecrets[0]!,
      { purpose: 'screen', to: holder.address, agent: 'a1', session: 's1', user: 'ann', ...change },
      { now: holder.clock.now() + at, nonce: randomBytes(8).toString('hex') },
    )}`;

  test('S12 claims without, or with a mistyped, `expires` are refused: they would hold for ever', async () => {
    await holder.running();
    const secret = holder.deps.config.peerSecrets[0]!;
    const claims = { purpose: 'screen', to: holder.address, agent: 'a1', session: 's1', user: 'ann', nonce: 'n' };
    const sign = (signed: unknown) => {
      const payload = Buffer.from(typeof signed === 'string' ? signed : JSON.stringify(signed)).toString('base64url');
      return `Peer ${payload}.${createHmac('sha256', secret).update(`streamspace peer 1.${payload}`).digest('base64url')}`;
    };
    const now = holder.clock.now();
    for (const expires of [undefined, null, '2999-01-01', 'x', [], {}, [now + 1_000], true])
      expect(await refusal(sign({ ...claims, expires })), JSON.stringify(expires)).toContain('when it expires');
    expect(await refusal(sign({ ...claims, expires: now + 1_000, nonce: undefined }))).toContain('no nonce');
    for (const broken of ['null', '7', '{', '[]']) expect(await refusal(sign(broken))).toContain('HUB_PEER_SECRET');
    expect(await refusal(sign({ ...claims, expires: now + 1_000 }))).toBe('open');
  });

  test('each credential is good once, for this hub, session and purpose, and not for long', async () => {
    await holder.running();
    expect(await refusal()).toContain('no credential of a peer');
    expect(await refusal('Bearer x')).toContain('no credential of a peer');
    expect(await refusal(signed({}, 'x'.repeat(40)))).toContain('not signed by a peer');
    expect(await refusal(signed({ purpose: 'rotate' }))).toContain('is for rotate');
    expect(await refusal(signed({ to: other.address }))).toContain('HUB_ADDRESS');
    expect(await refusal(signed({ session: 's2' }))).toContain('session s2');
    expect(await refusal(signed({}, undefined, -31_000))).toContain('expired');
    const good = signed();
    expect(await refusal(good)).toBe('open');
    expect(await refusal(good)).toContain('used before');
    const answer = await fetch(`${holder.address}/internal/v1/close`, {
      method: 'POST',
      headers: { authorization: signed() },
    });
    expect(answer.status).toBe(401);
    expect(holder.gateway.counts.links).toBe(1);
  });
});
