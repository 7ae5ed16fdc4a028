import type { HubMessageOf } from '@streamspace/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestHub } from '../support/hub.ts';
import { eventually } from '../support/inbox.ts';
import { Rest } from '../support/rest.ts';
import type { ScriptedAgent } from '../support/scripted-agent.ts';

/** The head of a PNG file, and as many bytes more. */
function png(mark: number, { width = 480, height = 300, more = 100 } = {}): Buffer {
  const head = Buffer.from('\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR', 'latin1');
  const size = Buffer.alloc(8);
  size.writeUInt32BE(width, 0);
  size.writeUInt32BE(height, 4);
  return Buffer.concat([head, size, Buffer.alloc(more, mark)]);
}

describe('V9 [PIC1] [PIC2] what a session looked like last', () => {
  let hub: TestHub;
  let agent: ScriptedAgent;
  beforeEach(async () => {
    hub = await TestHub.start();
    ({ agent } = await hub.running());
  });
  afterEach(() => hub.stop());
  const answer = ({ request_id }: HubMessageOf<'take_picture'>, picture: Buffer, by = agent) =>
    by.say({ type: 'picture', request_id, png: picture.toString('base64') });
  const asked = () => agent.heard.all.filter(({ type }) => type === 'take_picture').length;

  it('comes from its agent, once in half a minute, whoever wants it and at whichever replica', async () => {
    const other = await TestHub.start(undefined, hub);
    const wanted = [hub.gateway, hub.gateway, other.gateway].map((gateway) => gateway.picture('a1', 's1'));
    const request = await agent.hear('take_picture');
    expect(request.session_id).toBe('s1');
    answer(request, png(1));
    for (const picture of await Promise.all(wanted)) expect(picture).toEqual({ png: png(1), at: hub.clock.now() });
    await hub.clock.advance(29_000);
    const { at } = await other.gateway.picture('a1', 's1');
    expect(hub.clock.now() - at).toBe(29_000);
    expect(asked()).toBe(0);
    await hub.clock.advance(1_000);
    const next = hub.gateway.picture('a1', 's1');
    answer(await agent.hear('take_picture'), png(2));
    expect((await next).png).toEqual(png(2));
    await other.stop();
  });

  it('stays when the agent has none any more, or is away; and why there is none is not asked again at once', async () => {
    const refuse = { code: 'session_not_running', message: 's1 is hibernated', retryable: true } as const;
    const none = expect(hub.gateway.picture('a1', 's1')).rejects.toMatchObject({ code: 'session_not_running' });
    agent.say({ type: 'picture', request_id: (await agent.hear('take_picture')).request_id, error: refuse });
    await none;
    await expect(hub.gateway.picture('a1', 's1')).rejects.toMatchObject({ message: 's1 is hibernated' });
    expect(asked()).toBe(0);
    await hub.clock.advance(30_000);
    const first = hub.gateway.picture('a1', 's1');
    answer(await agent.hear('take_picture'), png(1));
    await first;
    await hub.clock.advance(30_000);
    const second = hub.gateway.picture('a1', 's1');
    agent.say({ type: 'picture', request_id: (await agent.hear('take_picture')).request_id, error: refuse });
    expect((await second).png).toEqual(png(1));
    agent.ws.terminate();
    await eventually('gone', async () => (await hub.store.agents.get('a1'))?.connected === false);
    expect((await hub.gateway.picture('a1', 's1')).png).toEqual(png(1));
    await expect(hub.gateway.picture('a1', 's2')).rejects.toMatchObject({ code: 'agent_offline' });
  });

  it.each([
    ['no picture', Buffer.from('<svg onload=alert(1)>'.padEnd(200))],
    ['a huge one in few bytes', png(1, { width: 60_000, height: 60_000 })],
    ['nothing', Buffer.alloc(0)],
  ])('is not believed when it is %s', async (_what, bytes) => {
    const wanted = expect(hub.gateway.picture('a1', 's1')).rejects.toMatchObject({ code: 'malformed_frame' });
    answer(await agent.hear('take_picture'), bytes);
    await wanted;
    expect(hub.gateway.counts.links).toBe(1);
  });

  it('is of that agent only, and not waited for without end', async () => {
    const other = await hub.welcome({ agent_id: 'a2' });
    const wanted = expect(hub.gateway.picture('a1', 's1')).rejects.toMatchObject({ code: 'command_timeout' });
    answer(await agent.hear('take_picture'), png(9), other);
    await other.sync();
    await hub.clock.advance(15_000);
    await wanted;
    await agent.sync();
    await hub.clock.advance(15_000);
    const left = expect(hub.gateway.picture('a1', 's1')).rejects.toMatchObject({ code: 'agent_offline' });
    await agent.hear('take_picture');
    agent.ws.terminate();
    await left;
  });

  it('[VER2] is not asked of an agent of version 2', async () => {
    const older = await hub.welcome({ versions: [2], term: 2 });
    await expect(hub.gateway.picture('a1', 's1')).rejects.toMatchObject({ code: 'conflict' });
    await older.sync();
    expect(older.heard.all.map(({ type }) => type)).not.toContain('take_picture');
  });

  it('costs an agent no more than it may say: many wanted at once are refused for now, and its link stays', async () => {
    const wanted = Array.from({ length: 60 }, (_, n) =>
      hub.gateway.picture('a1', `s${n + 1}`).catch((error: unknown) => error),
    );
    for (let n = 0; n < 50; n += 1) answer(await agent.hear('take_picture'), png(n, { more: 200_000 }));
    const got = await Promise.all(wanted);
    expect(got.filter((each) => 'png' in (each as object))).toHaveLength(50);
    expect(got.filter((each) => (each as { code?: string }).code === 'rate_limited')).toHaveLength(10);
    await hub.clock.advance(1_000);
    const later = hub.gateway.picture('a1', 's60');
    answer(await agent.hear('take_picture'), png(60));
    expect((await later).png).toEqual(png(60));
    await agent.sync();
  });
});

describe('V9 GET /sessions/:id/picture', () => {
  let hub: Rest;
  beforeEach(async () => {
    hub = await Rest.start();
    await hub.agent('a1');
  });
  afterEach(() => hub.stop());

  it('is for whoever may open the screen, and for nobody’s cache', async () => {
    const { id } = (await hub.as('alice', 'POST', 'sessions', { template: 'desktop' })).body.session;
    const get = (who: string | undefined) => hub.as(who, 'GET', `sessions/${id}/picture`);
    expect(await get('bob')).toMatchObject({ status: 404, code: 'not_found' });
    expect((await get(undefined)).status).toBe(401);
    for (const who of ['alice', 'admin']) {
      const { status, body, headers } = await get(who);
      expect([status, body]).toEqual([200, 'a picture']);
      expect(headers).toMatchObject({
        'content-type': 'image/png',
        'cache-control': 'no-store',
        'last-modified': 'Sun, 17 Mar 2030 17:46:40 GMT',
      });
    }
    await hub.store.sessions.update(id, { state: 'gone' });
    expect(await get('alice')).toMatchObject({ status: 404, code: 'not_found' });
  });
});
