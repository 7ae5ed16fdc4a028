import { dataFrame } from '@streamspace/protocol';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TestHub } from '../support/hub.ts';

let hub: TestHub;
beforeEach(async () => {
  hub = await TestHub.start();
});
afterEach(() => hub.stop());

test('create, screen, delete', async () => {
  const { agent } = await hub.running();
  const { viewer, id } = await hub.screen(agent);
  agent.ws.send(dataFrame(id, Buffer.from('RFB 003.008\n')));
  expect((await viewer.got.next()).toString()).toBe('RFB 003.008\n');
  viewer.ws.send(Buffer.from('RFB 003.008\n'));
  const frame = await agent.frames.next();
  expect(frame).toMatchObject({ kind: 'data', streamId: id });
  await hub.order('s1', 'delete_session');
  await agent.serve();
  await hub.reaches('s1', 'gone');
});
