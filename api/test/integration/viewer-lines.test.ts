import { ERRORS } from '@streamspace/protocol';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TestHub } from '../support/hub.ts';
import type { RefusedUpgrade } from '../support/scripted-agent.ts';

let hub: TestHub;
beforeEach(async () => {
  hub = await TestHub.start();
});
afterEach(() => hub.stop());

const screen = { protocols: ['screen.streamspace', 'binary'] };

test('V1 [VIEW4] a ping is answered beside the screen, and reaches nobody else', async () => {
  const { agent } = await hub.running();
  const viewer = await hub.viewer('s1', screen);
  expect(viewer.ws.protocol).toBe('screen.streamspace');
  const kinds: boolean[] = [];
  viewer.ws.on('message', (_data, isBinary) => kinds.push(isBinary));
  const { stream_id: id } = await agent.hear('vnc_connect');
  agent.say({ type: 'vnc_connected', stream_id: id, credit: 1000 });
  viewer.ws.send('ping 1');
  expect((await viewer.got.next()).toString()).toBe('pong 1');
  viewer.ws.send(Buffer.from('key'));
  expect(await agent.frames.next()).toMatchObject({ streamId: id, data: Buffer.from('key') });
  expect(kinds).toEqual([false]);
});

test.each(['ping', 'ping 1 ', 'ping -1', 'ping 1234567890123456', 'x'.repeat(100_000)])(
  'V1 [VIEW4] other text ends the viewer: %.20s',
  async (text) => {
    await hub.running();
    const viewer = await hub.viewer('s1', screen);
    viewer.ws.send(text);
    expect((await viewer.closed).code).toBe(ERRORS.malformed_frame.close);
  },
);

test('V1 [VIEW5] a viewer that connects again ends its former connection, and what that still had under way', async () => {
  const { agent } = await hub.running();
  const former = await hub.viewer('s1', { ...screen, viewer: 'tab-1' });
  const { stream_id: first } = await agent.hear('vnc_connect');
  agent.say({ type: 'vnc_connected', stream_id: first, credit: 1000 });
  const other = await hub.viewer('s1', { ...screen, viewer: 'tab-2' });
  const { stream_id: second } = await agent.hear('vnc_connect');
  agent.say({ type: 'vnc_connected', stream_id: second, credit: 1000 });

  await hub.viewer('s1', { ...screen, viewer: 'tab-1' });
  former.ws.send(Buffer.from('late'));
  const { stream_id: third } = await agent.hear('vnc_connect');
  agent.say({ type: 'vnc_connected', stream_id: third, credit: 1000 });
  expect(await agent.hear('vnc_disconnect')).toMatchObject({ stream_id: first });
  expect((await former.closed).code).toBe(ERRORS.superseded.close);
  // the other viewer's bytes are the first that the agent gets
  other.ws.send(Buffer.from('other'));
  expect(await agent.frames.next()).toMatchObject({ streamId: second, data: Buffer.from('other') });
});

test.each(['', 'a b', 'x'.repeat(65), '<script>'])(
  'V1 [VIEW5] an unfit name of a viewer is refused: %s',
  async (viewer) => {
    await hub.running();
    const refused = await hub.viewer('s1', { viewer }).then(
      () => undefined,
      (error: RefusedUpgrade) => error,
    );
    expect(refused).toMatchObject({ status: 400, body: { error: { code: 'invalid_request' } } });
    expect(refused?.body.error?.message).toContain('viewer: takes 1 to 64 letters');
  },
);

test('V7 [VIEW6] of the viewers that want to, the first decides the size; then the next, and none is told without asking', async () => {
  await hub.running();
  const open = async (steer?: string) => {
    const viewer = await hub.viewer('s1', { ...screen, ...(steer !== undefined && { steer }) });
    return {
      viewer,
      next: async () => (await viewer.got.next()).toString(),
      say: (text: string) => viewer.ws.send(text),
    };
  };
  const stranger = await open();
  const watching = await open('no');
  expect(await watching.next()).toBe('steering no');
  const first = await open('yes');
  expect(await first.next()).toBe('steering yes');
  const second = await open('yes');
  expect(await second.next()).toBe('steering no');

  first.say('steer no');
  expect(await first.next()).toBe('steering no');
  expect(await second.next()).toBe('steering yes');
  first.say('steer yes');
  expect(await first.next()).toBe('steering no');
  second.viewer.ws.close();
  expect(await first.next()).toBe('steering yes');
  for (const each of [watching, stranger]) {
    each.say('ping 1');
    expect(await each.next()).toBe('pong 1');
  }
  // who has not asked may not say so, either
  stranger.say('steer yes');
  expect((await stranger.viewer.closed).code).toBe(ERRORS.malformed_frame.close);
});
