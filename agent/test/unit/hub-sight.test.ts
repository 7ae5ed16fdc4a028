import { VirtualClock } from '@streamspace/testkit';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HubSight } from '../../src/leader/hub-sight.ts';

const log = pino({ level: 'silent' });

describe('HubSight', () => {
  let clock: VirtualClock;
  let sight: HubSight;
  let answers: boolean;
  let leads: boolean;
  let yields: string[];
  let stop: AbortController;
  let running: Promise<void>;

  beforeEach(() => {
    clock = new VirtualClock();
    answers = true;
    leads = true;
    yields = [];
    stop = new AbortController();
    sight = new HubSight({
      clock,
      log,
      random: () => 0.5,
      probe: async () => answers,
      leads: () => leads,
      yield: (reason) => yields.push(reason),
    });
    running = sight.run(stop.signal);
  });
  afterEach(async () => {
    stop.abort(new Error('over'));
    await running;
    expect(clock.pending).toBe(0);
  });

  it('a leader that was connected and can’t reach the hub any more gives way, after a while', async () => {
    sight.connected = true;
    await clock.advance(20_000);
    answers = false;
    sight.connected = false;
    await clock.advance(1_900);
    expect(yields).toEqual([]);
    expect(sight.reachable).toBe(false);
    await clock.advance(700);
    expect(yields).toEqual(['the hub can’t be reached from here']);
    expect(sight.reachable).toBe(false);
  });

  it('when the hub itself is away, nobody gives way twice: no ping-pong', async () => {
    sight.connected = true;
    answers = false;
    sight.connected = false;
    await clock.advance(600_000);
    expect(yields).toHaveLength(1);
    answers = true;
    sight.connected = true;
    answers = false;
    sight.connected = false;
    await clock.advance(600_000);
    expect(yields).toHaveLength(2);
  });

  it('one that is elected anew keeps the lead until it was connected: what it saw before does not count', async () => {
    sight.connected = true;
    leads = false;
    sight.connected = false;
    await clock.advance(60_000);
    leads = true;
    sight.elected();
    answers = false;
    await clock.advance(600_000);
    expect(yields).toEqual([]);
    sight.connected = true;
    sight.connected = false;
    await clock.advance(4_000);
    expect(yields).toHaveLength(1);
  });

  it('one that was never connected keeps the lead: another one did not do better', async () => {
    answers = false;
    await clock.advance(600_000);
    expect(yields).toEqual([]);
  });

  it('a hub that answers and refuses is no reason', async () => {
    sight.connected = true;
    sight.connected = false;
    await clock.advance(600_000);
    expect(yields).toEqual([]);
    expect(sight.reachable).toBe(true);
  });

  it('a standby gives nothing away; it knows whether it would see the hub', async () => {
    leads = false;
    answers = false;
    sight.connected = true;
    sight.connected = false;
    await clock.advance(60_000);
    expect(yields).toEqual([]);
    expect(sight.reachable).toBe(false);
    answers = true;
    await clock.advance(3_000);
    expect(sight.reachable).toBe(true);
  });

  it('a standby believes the second look: one may have met none of the living replicas', async () => {
    leads = false;
    let looks = 0;
    const unlucky = new HubSight({
      clock,
      log,
      random: () => 0.5,
      probe: async () => ++looks % 2 === 0,
      leads: () => false,
      yield: () => {},
    });
    const over = new AbortController();
    const done = unlucky.run(over.signal);
    for (let at = 0; at < 60; at += 1) {
      await clock.advance(1_000);
      expect(unlucky.reachable).toBe(true);
    }
    expect(looks).toBeGreaterThan(20);
    over.abort(new Error('over'));
    await done;
  });

  it('a probe that hangs is a no', async () => {
    const hanging = new HubSight({
      clock,
      log,
      random: () => 0.5,
      probe: () => new Promise(() => {}),
      leads: () => false,
      yield: () => {},
    });
    const over = new AbortController();
    const done = hanging.run(over.signal);
    await clock.advance(5_000);
    expect(hanging.reachable).toBe(false);
    over.abort(new Error('over'));
    await done;
  });
});
