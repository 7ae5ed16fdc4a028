import { EventEmitter } from 'node:events';
import { VirtualClock } from '@streamspace/testkit';
import type { HubMessageOf, StreamSpaceError } from '@streamspace/protocol';
import { expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import { Link } from '../../src/link/link.ts';

class SilentSocket extends EventEmitter {
  readonly OPEN = 1;
  readonly CLOSED = 3;
  readyState = 1;
  bufferedAmount = 0;
  send(): void {}
  ping(): void {}
  close(): void {}
  terminate(): void {
    this.readyState = 3;
    this.emit('close', 1006, Buffer.alloc(0));
  }
}

const welcome: HubMessageOf<'welcome'> = {
  type: 'welcome',
  version: 3,
  connection_id: 'c',
  term: 1,
  heartbeat_ms: 30_000,
};

function linkTo(socket: SilentSocket, clock: VirtualClock, more: Partial<typeof welcome>) {
  const link = new Link(socket as unknown as WebSocket, { ...welcome, ...more }, clock, 30_000);
  let over: StreamSpaceError | undefined;
  void link.ended.then((error) => (over = error));
  link.run({
    onMessage: () => {},
    beat: () => ({
      status: 'online',
      capacity: { cpu: 1, memory: 1, max_sessions: 1 },
      active_sessions: 0,
      replicas: [],
    }),
    onBeatAnswered: () => {},
  });
  return { link, over: () => over };
}

it('[WIRE6] a hub that goes silent without a word is noticed after two of its pings', async () => {
  const clock = new VirtualClock();
  const socket = new SilentSocket();
  const { over } = linkTo(socket, clock, { ping_ms: 1_000 });
  for (let second = 0; second < 20; second += 1) {
    await clock.advance(900);
    socket.emit('ping');
  }
  expect(over()).toBeUndefined();
  await clock.advance(1_900);
  expect(over()).toBeUndefined();
  await clock.advance(700);
  expect(over()?.code).toBe('heartbeat_lost');
  expect(clock.pending).toBe(0);
});

it('[WIRE6] a hub that does not promise to ping is judged by its answers to heartbeats alone', async () => {
  const clock = new VirtualClock();
  const { link, over } = linkTo(new SilentSocket(), clock, {});
  await clock.advance(60_000);
  expect(over()).toBeUndefined();
  link.end(over() ?? ({ message: 'end', close: 1000 } as StreamSpaceError));
  await clock.advance(2_000);
  expect(clock.pending).toBe(0);
});
