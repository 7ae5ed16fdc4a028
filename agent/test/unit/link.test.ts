import { EventEmitter } from 'node:events';
import { VirtualClock } from '@streamspace/testkit';
import { hubCodec, type HubMessage, type HubMessageOf, type StreamSpaceError } from '@streamspace/protocol';
import type { WebSocket } from 'ws';
import { beforeEach, describe, expect, it } from 'vitest';
import { Link } from '../../src/link/link.ts';

/** A WebSocket that does what a test says: `ws` has no seam below it but the network. */
class FakeSocket extends EventEmitter {
  readonly OPEN = 1;
  readonly CLOSED = 3;
  readyState = 1;
  bufferedAmount = 0;
  sent: string[] = [];
  pings = 0;
  closed: number | undefined;
  terminated = false;
  /** What writes fail with. */
  failure: Error | undefined;
  send(data: string | Buffer, ...rest: unknown[]): void {
    this.sent.push(data.toString());
    const callback = rest.at(-1) as ((error?: Error) => void) | undefined;
    queueMicrotask(() => callback?.(this.failure));
  }
  ping(_data: unknown, _mask: unknown, callback: (error?: Error) => void): void {
    this.pings++;
    queueMicrotask(() => callback(this.failure));
  }
  close(code: number): void {
    this.closed = code;
    this.readyState = 2;
  }
  terminate(): void {
    this.terminated = true;
    this.readyState = 3;
    this.emit('close', 1006, Buffer.alloc(0));
  }
}

const welcome: HubMessageOf<'welcome'> = {
  type: 'welcome',
  version: 3,
  connection_id: 'c1',
  term: 1,
  heartbeat_ms: 1000,
};
const beat = () => ({
  status: 'online' as const,
  capacity: { cpu: 1, memory: 1, max_sessions: 1 },
  active_sessions: 0,
  replicas: [],
});
let clock: VirtualClock;
let socket: FakeSocket;
let link: Link;
let heard: HubMessage[];
let answered: number;
let over: StreamSpaceError | undefined;
const say = (message: HubMessage) => socket.emit('message', Buffer.from(hubCodec.encode(message)), false);
const beats = () => socket.sent.filter((frame) => frame.includes('"heartbeat"')).length;

function make(heartbeatInterval = 30_000): void {
  socket = new FakeSocket();
  link = new Link(socket as unknown as WebSocket, welcome, clock, heartbeatInterval);
  over = undefined;
  void link.ended.then((error) => (over = error));
}

beforeEach(() => {
  clock = new VirtualClock();
  heard = [];
  answered = 0;
  make();
});

const listener = {
  onMessage: (message: HubMessage) => void heard.push(message),
  beat,
  onBeatAnswered: () => void answered++,
};

describe('link', () => {
  it('keeps what comes before somebody listens, in order', () => {
    say({ type: 'go_away', reason: 'one', reconnect_after_ms: 1 });
    say({ type: 'go_away', reason: 'two', reconnect_after_ms: 1 });
    link.run(listener);
    expect(heard.map((message) => (message as { reason: string }).reason)).toEqual(['one', 'two']);
  });

  it('[CON3] beats as often as the hub asks, or more often where HEARTBEAT_INTERVAL says so', async () => {
    link.run(listener);
    await clock.advance(1000);
    say({ type: 'heartbeat_ack', seq: 0 });
    await clock.advance(1000);
    expect([beats(), socket.pings, answered]).toEqual([2, 2, 1]);
    make(250);
    link.run(listener);
    await clock.advance(750);
    expect(beats()).toBe(3);
  });

  it('[WIRE5] ends after three intervals without an answer to a heartbeat, and not before', async () => {
    link.run(listener);
    await clock.advance(1000);
    say({ type: 'heartbeat_ack', seq: 0 });
    await clock.advance(3000);
    expect(over).toBeUndefined();
    await clock.advance(1000);
    expect(over).toMatchObject({ code: 'heartbeat_lost' });
    expect([socket.terminated, clock.pending]).toEqual([true, 0]);
  });

  it('[WIRE5] neither other messages nor answers to nothing are signs of life', async () => {
    link.run(listener);
    for (let n = 0; n < 40; n++) {
      await clock.advance(100);
      say({ type: 'go_away', reason: 'talk', reconnect_after_ms: 1 });
      say({ type: 'heartbeat_ack', seq: 99 });
    }
    expect(over).toMatchObject({ code: 'heartbeat_lost' });
  });

  it.each(['a message', 'a heartbeat', 'a ping', 'a screen’s bytes'])(
    'failure 8: %s that can’t be written ends the whole connection',
    async (what) => {
      link.run(listener);
      if (what === 'a ping') socket.send = (data) => void socket.sent.push(data.toString());
      socket.failure = new Error('EPIPE');
      if (what === 'a message') link.tell({ type: 'goodbye', reason: '' });
      else if (what === 'a screen’s bytes') {
        const stream = link.mux.open(1, 1000, {
          onData: () => undefined,
          onEnd: () => undefined,
          onDrain: () => undefined,
          onClose: () => undefined,
        });
        stream.write(Buffer.from('pixels'));
      } else await clock.advance(1000);
      await clock.advance(0);
      expect(over).toMatchObject({ message: 'EPIPE' });
      expect([socket.terminated, link.open, clock.pending]).toEqual([true, false, 0]);
    },
  );

  it('a hub that does not read is left, before memory fills', async () => {
    link.run(listener);
    socket.bufferedAmount = 9 * 1024 * 1024;
    link.tell({ type: 'goodbye', reason: '' });
    await clock.advance(0);
    expect(over).toMatchObject({ code: 'heartbeat_lost' });
  });

  it('ends all streams with it', async () => {
    const errors: unknown[] = [];
    link.mux.open(1, 1000, {
      onData: () => undefined,
      onEnd: () => undefined,
      onDrain: () => undefined,
      onClose: (error) => errors.push(error),
    });
    socket.emit('close', 4432, Buffer.from('another leads'));
    await clock.advance(0);
    expect(over).toMatchObject({ code: 'superseded' });
    expect(errors).toEqual([over]);
  });

  it('does not wait for ever for the hub to answer the closing handshake', async () => {
    link.run(listener);
    let closed = false;
    void link.closed.then(() => (closed = true));
    socket.emit('message', Buffer.from('{"type":"dance"}'), false);
    await clock.advance(999);
    expect([socket.closed, socket.terminated, closed]).toEqual([4402, false, false]);
    await clock.advance(1);
    expect([socket.terminated, closed, clock.pending]).toEqual([true, true, 0]);
  });

  it('says and hears nothing after its end', async () => {
    link.run(listener);
    socket.emit('error', new Error('reset'));
    const sent = socket.sent.length;
    link.tell({ type: 'goodbye', reason: '' });
    link.beat();
    say({ type: 'go_away', reason: 'late', reconnect_after_ms: 1 });
    await clock.advance(60_000);
    expect([socket.sent.length, heard.length]).toEqual([sent, 0]);
  });
});
