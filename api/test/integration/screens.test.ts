import { createHash, randomBytes } from 'node:crypto';
import { creditFrame, dataFrame, endFrame, ERRORS, LIMITS } from '@streamspace/protocol';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TestHub } from '../support/hub.ts';
import { eventually } from '../support/inbox.ts';
import type { ScriptedAgent } from '../support/scripted-agent.ts';

let hub: TestHub;
beforeEach(async () => {
  hub = await TestHub.start();
});
afterEach(() => hub.stop());

/** Sends all of it on a stream, as credit comes in. Takes the agent's credit frames. */
async function pour(agent: ScriptedAgent, id: number, bytes: Buffer): Promise<void> {
  let credit: number = LIMITS.initialCredit;
  for (let at = 0; at < bytes.length;) {
    while (credit === 0) {
      const frame = await agent.frames.next(({ kind, streamId }) => kind === 'credit' && streamId === id);
      if (frame.kind === 'credit') credit += frame.credit;
    }
    const size = Math.min(credit, 32 * 1024, bytes.length - at);
    agent.ws.send(dataFrame(id, bytes.subarray(at, at + size)));
    at += size;
    credit -= size;
  }
}

const sha = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

test('[STR2] the hub opens with its credit, stream ids are never used again, a refused stream closes the viewer with the reason', async () => {
  const { agent } = await hub.running();
  const first = await hub.viewer('s1');
  const one = await agent.hear('vnc_connect');
  expect(one).toMatchObject({ session_id: 's1', credit: LIMITS.initialCredit });
  agent.say({
    type: 'vnc_disconnect',
    stream_id: one.stream_id,
    error: { code: 'screen_unreachable', message: 'connection refused', retryable: true },
  });
  expect(await first.closed).toEqual({ code: ERRORS.screen_unreachable.close, reason: 'connection refused' });
  await hub.viewer('s1');
  expect((await agent.hear('vnc_connect')).stream_id).toBeGreaterThan(one.stream_id);
});

test('[STR2] what the viewer says before the agent has answered waits, in order; no answer within 10 s ends it', async () => {
  const { agent } = await hub.running();
  const viewer = await hub.viewer('s1');
  const { stream_id: id } = await agent.hear('vnc_connect');
  viewer.ws.send(Buffer.from('early '));
  viewer.ws.send(Buffer.from('bird'));
  await agent.sync();
  expect(agent.frames.all).toEqual([]);
  agent.say({ type: 'vnc_connected', stream_id: id, credit: 100 });
  expect(await agent.frames.next()).toMatchObject({ data: Buffer.from('early ') });
  expect(await agent.frames.next()).toMatchObject({ data: Buffer.from('bird') });

  const late = await hub.viewer('s1');
  const { stream_id: other } = await agent.hear('vnc_connect');
  await hub.clock.advance(10_000);
  expect((await late.closed).code).toBe(ERRORS.screen_unreachable.close);
  expect(await agent.hear('vnc_disconnect')).toMatchObject({ stream_id: other, error: { code: 'screen_unreachable' } });
  agent.say({ type: 'vnc_connected', stream_id: other, credit: 100 });
  await agent.sync();
  expect(hub.gateway.counts.streams).toBe(1);
});

test('[STR3] bytes arrive complete, in order, unchanged, both ways', async () => {
  const { agent } = await hub.running();
  const { viewer, id } = await hub.screen(agent, 's1', 50_000);
  const down = randomBytes(3_000_000);
  const up = randomBytes(500_000);
  for (let at = 0; at < up.length; at += 10_000) viewer.ws.send(up.subarray(at, at + 10_000));
  const arrived: Buffer[] = [];
  const upwards = (async () => {
    for (let size = 0; size < up.length;) {
      const frame = await agent.frames.next(({ kind }) => kind === 'data');
      if (frame.kind !== 'data') continue;
      arrived.push(frame.data);
      size += frame.data.length;
      agent.ws.send(creditFrame(id, frame.data.length));
    }
  })();
  await pour(agent, id, down);
  await upwards;
  await eventually('all is there', () => viewer.received === down.length);
  expect(sha(Buffer.concat(viewer.got.all))).toBe(sha(down));
  expect(sha(Buffer.concat(arrived))).toBe(sha(up));
});

test('[STR4] the viewer sends no more than the agent granted, and its socket is not read any further', async () => {
  const { agent } = await hub.running();
  const { viewer, id } = await hub.screen(agent, 's1', 10_000);
  for (let n = 0; n < 400; n++) viewer.ws.send(Buffer.alloc(50_000, n));
  let got = 0;
  while (got < 10_000) {
    const frame = await agent.frames.next();
    if (frame.kind === 'data') got += frame.data.length;
  }
  // time enough for a hub that reads on to read all of it
  for (let n = 0; n < 50; n++) await agent.sync();
  expect(agent.frames.all.filter(({ kind }) => kind === 'data')).toEqual([]);
  expect(got).toBe(10_000);
  const read = /leg="from_viewer"} (\d+)/.exec(await hub.deps.metrics.metrics())?.[1];
  // of 20 MB; the rest waits at the viewer
  expect(Number(read)).toBeLessThan(1_000_000);
  agent.ws.send(creditFrame(id, 500_000));
  while (got < 510_000) {
    const frame = await agent.frames.next();
    if (frame.kind === 'data') got += frame.data.length;
  }
});

test('[STR4] an agent that sends more than its credit loses that stream only', async () => {
  const { agent } = await hub.running();
  const { viewer, id } = await hub.screen(agent);
  const other = await hub.screen(agent);
  viewer.ws.pause();
  for (let n = 0; n < 600; n++) agent.ws.send(dataFrame(id, Buffer.alloc(60_000)));
  expect(await agent.hear('vnc_disconnect')).toMatchObject({ stream_id: id, error: { code: 'credit_exceeded' } });
  agent.ws.send(dataFrame(other.id, Buffer.from('fine')));
  expect((await other.viewer.got.next()).toString()).toBe('fine');
});

test('failure 3: one frozen viewer holds its credit and nothing else; the others get every byte', async () => {
  const { agent } = await hub.running();
  const frozen = await hub.screen(agent);
  const busy = [await hub.screen(agent), await hub.screen(agent)];
  frozen.viewer.ws.pause();
  let sent = 0;
  let credit: number = LIMITS.initialCredit;
  const idle = async (): Promise<boolean> => {
    await agent.sync();
    const more = agent.frames.all.filter(({ kind, streamId }) => kind === 'credit' && streamId === frozen.id);
    return more.length === 0;
  };
  // as much as the frozen one takes: the kernel's buffers, then its credit
  for (;;) {
    while (credit > 0) {
      const size = Math.min(credit, 32 * 1024);
      agent.ws.send(dataFrame(frozen.id, Buffer.alloc(size)));
      credit -= size;
      sent += size;
    }
    if (await idle()) break;
    for (const frame of agent.frames.all.filter(({ kind, streamId }) => kind === 'credit' && streamId === frozen.id)) {
      credit +=
        (await agent.frames.next((each) => each === frame)).kind === 'credit' && frame.kind === 'credit'
          ? frame.credit
          : 0;
    }
  }
  const contents = busy.map(() => randomBytes(2_000_000));
  await Promise.all(busy.map(({ id }, at) => pour(agent, id, contents[at]!)));
  for (const [at, { viewer }] of busy.entries()) {
    await eventually('all is there', () => viewer.received === contents[at]!.length);
    expect(sha(Buffer.concat(viewer.got.all))).toBe(sha(contents[at]!));
  }
  // thawed, it gets what is its own, complete
  frozen.viewer.ws.resume();
  await eventually('the frozen one has it all', () => frozen.viewer.received === sent);
});

test('[STR7] a viewer that leaves: the agent is told, late frames of the stream are ignored', async () => {
  const { agent } = await hub.running();
  const { viewer, id } = await hub.screen(agent);
  viewer.ws.close();
  expect(await agent.hear('vnc_disconnect')).toEqual({ type: 'vnc_disconnect', stream_id: id });
  agent.ws.send(dataFrame(id, Buffer.from('late')));
  agent.ws.send(creditFrame(id, 1));
  agent.say({ type: 'vnc_disconnect', stream_id: id });
  agent.say({ type: 'vnc_disconnect', stream_id: 4_000_000 });
  await agent.sync();
  expect(hub.gateway.counts).toMatchObject({ links: 1, streams: 0, viewers: 0 });
});

test('[STR7] a screen that ends: the viewer gets all of it, then an orderly close', async () => {
  const { agent } = await hub.running();
  const { viewer, id } = await hub.screen(agent);
  agent.ws.send(dataFrame(id, Buffer.from('last words')));
  agent.ws.send(endFrame(id));
  expect((await viewer.got.next()).toString()).toBe('last words');
  expect((await viewer.closed).code).toBe(1000);
  await agent.sync();
  expect(hub.gateway.counts).toMatchObject({ streams: 0, viewers: 0 });
});

test('[STR8] a stream is over when its link is: the viewer is told that the agent is away, and may come again', async () => {
  const { agent } = await hub.running();
  const { viewer } = await hub.screen(agent);
  agent.ws.terminate();
  expect((await viewer.closed).code).toBe(ERRORS.agent_offline.close);
  const next = await hub.welcome({ term: 2, replica: 'r2' });
  const again = await hub.screen(next);
  next.ws.send(dataFrame(again.id, Buffer.from('back')));
  expect((await again.viewer.got.next()).toString()).toBe('back');
});

test('failure 5: a screen opens again and again, also after hibernate and wake, also twice at once', async () => {
  const { agent } = await hub.running();
  for (let n = 0; n < 3; n++) {
    const one = await hub.screen(agent);
    const two = await hub.screen(agent);
    for (const { viewer, id } of [one, two]) {
      agent.ws.send(dataFrame(id, Buffer.from(`hello ${n}`)));
      expect((await viewer.got.next()).toString()).toBe(`hello ${n}`);
      viewer.ws.close();
      await agent.hear('vnc_disconnect');
    }
    await hub.order('s1', 'hibernate_session');
    await agent.serve();
    await hub.reaches('s1', 'hibernated');
    await hub.order('s1', 'wake_session');
    await agent.serve();
    await hub.reaches('s1', 'running');
  }
});

test('[STR6] control messages overtake data that waits', async () => {
  const { agent } = await hub.running();
  const frames = 2_000;
  const { viewer, id } = await hub.screen(agent, 's1', frames * 32 * 1024);
  agent.ws.pause();
  for (let n = 0; n < frames; n++) viewer.ws.send(Buffer.alloc(32 * 1024, n));
  await hub.create({ id: 's2' });
  await hub.commandReaches('c-s2', 'sent');
  let before = 0;
  agent.ws.on('message', (_data, isBinary) => {
    if (isBinary && !agent.heard.all.some(({ type }) => type === 'command')) before++;
  });
  agent.ws.resume();
  await eventually(
    'all of it is there',
    () => agent.frames.all.filter((frame) => frame.kind === 'data' && frame.streamId === id).length >= frames,
  );
  expect((await agent.command()).session_id).toBe('s2');
  expect(before).toBeLessThan(frames);
});

test('[STR5] at most 1,024 streams a link: the next viewer is refused with the reason', async () => {
  const { agent } = await hub.running();
  const viewers = [];
  for (let n = 0; n < LIMITS.streams; n += 64)
    viewers.push(...(await Promise.all(Array.from({ length: 64 }, () => hub.viewer('s1')))));
  const { close } = ERRORS.at_capacity;
  expect((await (await hub.viewer('s1')).closed).code).toBe(close);
  await agent.sync();
  expect(hub.gateway.counts).toMatchObject({ streams: LIMITS.streams, viewers: LIMITS.streams });
  agent.ws.terminate();
  await Promise.all(viewers.map(({ closed }) => closed));
  expect(hub.gateway.counts).toMatchObject({ links: 0, streams: 0, viewers: 0 });
});

test('metrics count what goes through', async () => {
  const { agent } = await hub.running();
  const { viewer, id } = await hub.screen(agent);
  agent.ws.send(dataFrame(id, Buffer.alloc(1000)));
  await viewer.got.next();
  const text = await hub.deps.metrics.metrics();
  for (const line of [
    'streamspace_hub_agent_links 1',
    'streamspace_hub_streams 1',
    'streamspace_hub_registrations_total 1',
    'streamspace_hub_commands_total{state="completed"} 1',
    'streamspace_hub_viewers_total{outcome="opened"} 1',
    'streamspace_hub_stream_bytes_total{leg="to_viewer"} 1000',
  ])
    expect(text).toContain(line);
});
