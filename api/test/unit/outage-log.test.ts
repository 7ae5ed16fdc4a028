import { StreamSpaceError } from '@streamspace/protocol';
import { VirtualClock } from '@streamspace/testkit';
import { expect, test } from 'vitest';
import { census } from '../../src/agents/fleet/census.ts';
import { tolerant } from '../../src/agents/tolerant.ts';
import { Graveyard } from '../../src/sessions/graveyard.ts';
import type { Publisher } from '../../src/events/publisher.ts';
import { memoryStore } from '../../src/store/memory/memory-store.ts';
import { dispatcherScene } from '../support/dispatcher-scene.ts';

const MINUTES = 10;
const away = () => Promise.reject(new StreamSpaceError('store_unavailable', 'no answer'));

/** How often each message stands in a log. */
function counted(lines: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const line of lines) counts[line] = (counts[line] ?? 0) + 1;
  return counts;
}

test('K9 ten minutes without the store are a line when they begin, one a minute, and one when they end: of commands', async () => {
  const { clock, store, dispatcher, lines, give } = await dispatcherScene();
  await give('c1', 's1');
  const [commands, agents] = [{ ...store.commands }, { ...store.agents }];
  Object.assign(store.commands, { next: away, markSent: away });
  Object.assign(store.agents, { get: away });
  for (let second = 0; second < MINUTES * 60; second += 1) {
    dispatcher.pump('a1', true);
    dispatcher.wake('a2');
    await clock.advance(1_000);
  }
  Object.assign(store.commands, commands);
  Object.assign(store.agents, agents);
  await clock.advance(180_000);
  const { 'An outage is over': over, ...counts } = counted(lines);
  expect(Object.keys(counts).toSorted()).toEqual([
    'Agent not asked for a command; trying again',
    'Commands not delivered; trying again',
    'Hub replica of an agent not notified of a command; trying again',
    'Search for expired commands failed; trying again',
  ]);
  for (const [message, count] of Object.entries(counts)) expect(count, message).toBeLessThanOrEqual(MINUTES + 4);
  expect(over).toBe(Object.keys(counts).length);
});

test('K9 of agents, events and sessions', async () => {
  const clock = new VirtualClock();
  const lines: string[] = [];
  const line = (_fields: object, message: string) => void lines.push(message);
  const log = { info: line, warn: line } as never;
  const store = memoryStore(clock);
  const failing = new Proxy({} as Publisher, { get: () => away });
  const publish = tolerant(failing, clock, log);
  const stop = new AbortController();
  let event!: (event: never) => void;
  const events = { ...store.events, subscribe: (callback: typeof event) => void (event = callback) };
  void new Graveyard({
    store: { sessions: { ...store.sessions, get: away }, events },
    clock,
    log,
  }).run(stop.signal);
  const agents = { ...store.agents, list: away };
  void census({ store: { agents }, clock, log, publish, heartbeatMs: 2_500, holds: () => undefined }, stop.signal);
  for (let session = 0; session < 100; session += 1) event({ type: 'session.gone', session: `s${session}` } as never);
  for (let second = 0; second < MINUTES * 60; second += 1) {
    await publish.agentDisconnected('a1', 'gone');
    await clock.advance(1_000);
  }
  const counts = counted(lines);
  expect(Object.keys(counts).toSorted()).toEqual([
    'Event not published',
    'Search for agents of a dead hub replica failed; trying again',
    'Session not removed; trying again',
  ]);
  for (const [message, count] of Object.entries(counts)) expect(count, message).toBeLessThanOrEqual(MINUTES + 1);
  stop.abort();
});
