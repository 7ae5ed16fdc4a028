import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { newCredential } from '../../src/auth/secrets.ts';
import { TestHub } from '../support/hub.ts';
import { eventually } from '../support/inbox.ts';
import { ScriptedAgent } from '../support/scripted-agent.ts';

let hub: TestHub;
let seq = 0;
beforeEach(async () => {
  hub = await TestHub.start();
});
afterEach(() => hub.stop());

/** A connection with a credential of that replica. */
async function connected(replica: string): Promise<ScriptedAgent> {
  const credential = await enrolled(replica);
  const agent = await ScriptedAgent.connect(hub.url, credential);
  expect((await agent.hello({ replica })).type).toBe('welcome');
  return agent;
}

async function enrolled(replica?: string): Promise<string> {
  const { token, hash } = newCredential(randomBytes, 'a1');
  await hub.store.credentials.set('a1', hash, replica);
  return token;
}

async function beat(agent: ScriptedAgent): Promise<void> {
  agent.say({
    type: 'heartbeat',
    seq: ++seq,
    status: 'online',
    capacity: { cpu: 8, memory: 16e9, max_sessions: 10 },
    active_sessions: 0,
    replicas: [],
  });
  await agent.sync();
}

const ended = { code: 4410, reason: expect.stringContaining('enrolled in its place') as unknown };

describe('S5 [AUTH6] enrolling anew ends the thief', () => {
  test('at the next heartbeat, where the agent was enrolled anew', async () => {
    const thief = await connected('pod-1');
    await beat(thief);
    await enrolled();
    void beat(thief).catch(() => {});
    expect(await thief.closed).toMatchObject(ended);
  });

  test('also a thief that sends no heartbeat', async () => {
    const thief = await connected('pod-1');
    await enrolled();
    await hub.clock.advance(20_000);
    expect(await thief.closed).toMatchObject(ended);
  });

  test('of several replicas the one that was enrolled anew, and no other', async () => {
    const agent = await connected('pod-1');
    await enrolled('pod-2');
    await enrolled('pod-2');
    await beat(agent);
    await hub.clock.advance(20_000);
    await beat(agent);
    await enrolled('pod-1');
    void beat(agent).catch(() => {});
    expect(await agent.closed).toMatchObject(ended);
  });

  test('not the leader whose standbys enrol again and again', async () => {
    const leader = await connected('pod-1');
    for (let n = 2; n < 40; n += 1) {
      await enrolled(`pod-${n}`);
      await beat(leader);
    }
    expect(hub.gateway.counts.links).toBe(1);
  });

  test('not an agent that confirms a rotation when nobody waits for it any more', async () => {
    const agent = await connected('pod-1');
    const rotated = hub.gateway.rotate('a1');
    rotated.catch(() => {});
    const { rotation_id } = await agent.hear('credential');
    await beat(agent);
    await hub.clock.advance(15_000);
    await beat(agent);
    await hub.clock.advance(15_000);
    await expect(rotated).rejects.toMatchObject({ code: 'command_timeout' });
    agent.say({ type: 'credential_stored', rotation_id });
    await beat(agent);
    await eventually('the new one alone', async () => (await hub.store.credentials.get('a1'))?.next === undefined);
    await beat(agent);
    await hub.clock.advance(20_000);
    await beat(agent);
    expect(hub.gateway.counts.links).toBe(1);
  });
});
