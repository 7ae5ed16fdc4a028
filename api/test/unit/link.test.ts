import { EventEmitter } from 'node:events';
import { StreamSpaceError } from '@streamspace/protocol';
import { VirtualClock } from '@streamspace/testkit';
import { expect, test, vi } from 'vitest';
import type { WebSocket } from 'ws';
import { Allowance } from '../../src/agents/link/allowance.ts';
import { AgentLink } from '../../src/agents/link/link.ts';
import { lonelyMetrics } from '../support/metrics.ts';

/** A socket that does what the test says. */
class FakeSocket extends EventEmitter {
  readonly CLOSED = 3;
  readyState = 1;
  bufferedAmount = 0;
  failWith: Error | undefined;
  sent: unknown[] = [];
  terminate = vi.fn<() => void>(() => void this.emit('close', 1006, Buffer.alloc(0)));
  close = vi.fn<(code: number, reason: string) => void>();
  ping = vi.fn<() => void>();
  send(data: unknown, _options: unknown, done: (error?: Error) => void): void {
    this.sent.push(data);
    done(this.failWith);
  }
}

function make() {
  const socket = new FakeSocket();
  const clock = new VirtualClock();
  const metrics = lonelyMetrics();
  const line = vi.fn<() => void>();
  const log = { info: line, warn: line, error: line, debug: line } as never;
  const closed: StreamSpaceError[] = [];
  const link = new AgentLink(
    socket as unknown as WebSocket,
    { agentId: 'a1', connectionId: 'x' },
    { clock, log, metrics, allowance: new Allowance(clock) },
    { message: () => {}, closed: (_link, error) => closed.push(error) },
  );
  link.welcomed = true;
  return { socket, clock, link, closed, log: line };
}

const beat = { type: 'heartbeat_ack', seq: 1 } as const;

test('failure 8: [WIRE5] a failed write ends the whole connection, and every screen with it', () => {
  const { socket, link, closed } = make();
  const ended: (Error | undefined)[] = [];
  const none = (): void => {};
  link.streams.open('s1', { onData: none, onEnd: none, onDrain: none, onClose: (error) => ended.push(error) }, none);
  socket.failWith = new Error('EPIPE');
  link.tell(beat);
  expect(socket.terminate).toHaveBeenCalled();
  expect(closed.map(({ code }) => code)).toEqual(['agent_offline']);
  expect(ended).toMatchObject([{ code: 'agent_offline' }]);
  expect(link.open).toBe(false);
});

test('failure 8: the same for a failed write of a screen, and for a failed ping', () => {
  const data = make();
  data.socket.failWith = new Error('ECONNRESET');
  data.link.send(Buffer.from([1, 0, 0, 0, 1, 65]));
  expect(data.socket.terminate).toHaveBeenCalled();
  expect(data.closed).toHaveLength(1);
});

test('an agent that does not read is ended when too much waits for it', () => {
  const { socket, link, closed } = make();
  socket.bufferedAmount = 17 * 1024 * 1024;
  expect(link.tell(beat)).toBe(false);
  expect(closed.map(({ code }) => code)).toEqual(['heartbeat_lost']);
});

test('an agent that says more than can be stored is ended, not buffered without bound', () => {
  const { link, closed } = make();
  const never = (): Promise<void> => new Promise(() => {});
  for (let n = 0; n < 1024 + 1; n++) link.queue(1, never);
  expect(link.open).toBe(true);
  link.queue(1, never);
  expect(closed.map(({ code }) => code)).toEqual(['rate_limited']);
});

test('a message of ours that does not match its schema is logged, not sent, and costs no link', () => {
  const { socket, link, log } = make();
  expect(link.tell({ type: 'heartbeat_ack', seq: -1 })).toBe(false);
  expect(socket.sent).toEqual([]);
  expect(log).toHaveBeenCalled();
  expect(link.open).toBe(true);
});

test('after our close the socket is cut when the other end does not answer, and no timer is left', async () => {
  const { socket, clock, link } = make();
  link.end(new StreamSpaceError('superseded', 'x'));
  expect(socket.close).toHaveBeenCalledWith(4432, 'x');
  await clock.advance(1_999);
  expect(socket.terminate).not.toHaveBeenCalled();
  await clock.advance(1);
  expect(socket.terminate).toHaveBeenCalledOnce();
  expect(clock.pending).toBe(0);
});

test('nothing is read after the end', () => {
  const { socket, link } = make();
  const heard: string[] = [];
  link.owner = { message: (_link, message) => heard.push(message.type), closed: () => {} };
  socket.emit('message', Buffer.from('{"type":"goodbye","reason":""}'), false);
  link.end(new StreamSpaceError('superseded', 'x'));
  socket.emit('message', Buffer.from('{"type":"goodbye","reason":""}'), false);
  expect(heard).toEqual(['goodbye']);
});

test('a probe is answered by a pong, and by nothing else', async () => {
  const { socket, clock, link } = make();
  const answered = link.probe(2_000);
  socket.emit('pong');
  expect(await answered).toBe(true);
  const unanswered = link.probe(2_000);
  socket.emit('message', Buffer.from('{"type":"goodbye","reason":""}'), false);
  await clock.advance(2_000);
  expect(await unanswered).toBe(false);
  expect(socket.listenerCount('pong')).toBe(0);
  expect(clock.pending).toBe(0);
});
