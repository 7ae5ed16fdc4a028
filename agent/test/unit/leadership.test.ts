import { VirtualClock } from '@streamspace/testkit';
import { Elector } from 'lease-elector';
import { MemoryLease } from 'lease-elector/memory/index';
import { pino } from 'pino';
import { beforeEach, describe, expect, it } from 'vitest';
import { AgentMetrics } from '../../src/health/metrics.ts';
import { type AgentView, probeRoutes } from '../../src/health/probes.ts';
import type { Answer } from '../../src/health/server.ts';
import { LeadershipLoop } from '../../src/leader/leadership.ts';

let clock: VirtualClock;
let elector: Elector;
let terms: number[];
let loop: LeadershipLoop;
let serve: (signal: AbortSignal) => Promise<void>;
let stop: AbortController;

const until = (signal: AbortSignal) =>
  new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

beforeEach(() => {
  clock = new VirtualClock();
  terms = [];
  stop = new AbortController();
  serve = until;
  elector = new Elector({
    lock: new MemoryLease('lease', clock).lock(),
    clock,
    identity: 'r1@x',
    random: () => 0.5,
    leaseDurationMs: 6000,
    renewDeadlineMs: 4000,
    retryPeriodMs: 1000,
  });
  loop = new LeadershipLoop({
    elector,
    clock,
    log: pino({ level: 'silent' }),
    metrics: new AgentMetrics(() => 0),
    restartDelay: 1000,
    stallLimit: 30_000,
    serve: ({ term, signal }) => {
      terms.push(term);
      return serve(signal);
    },
  });
});

const view = (): AgentView => ({
  agentId: 'agent-1',
  uptime: 61.7,
  role: elector.leading === undefined ? 'standby' : 'leader',
  electing: loop.alive,
  connected: false,
  isolation: null,
  lastHeartbeat: null,
  leader: '',
  term: 0,
  election: elector.status(),
});
const probe = (path: string) => {
  const answer = probeRoutes(view)[path]!() as Answer;
  return { status: answer.status, ...(JSON.parse(answer.body) as object) };
};

describe('leadership loop', () => {
  it('failure 9: an elector that ends or fails is run again; the probes fail while it is dead', async () => {
    const run = elector.run.bind(elector);
    let runs = 0;
    elector.run = (signal) =>
      ++runs === 1 ? Promise.reject(new Error('bug')) : runs === 2 ? Promise.resolve() : run(signal);
    const running = loop.run(stop.signal);
    for (let n = 0; n < 2; n++) {
      await clock.advance(n === 0 ? 0 : 1000);
      expect(probe('/health')).toMatchObject({ status: 'elector stopped', agent_id: 'agent-1', uptime: 61 });
      expect(probe('/ready')).toMatchObject({ status: 'elector stopped' });
    }
    await clock.advance(1000);
    expect([runs, terms.length]).toEqual([3, 1]);
    expect(probe('/health')).toMatchObject({ status: 'ok' });
    stop.abort(new Error('over'));
    await clock.advance(20_000);
    await running;
    expect(clock.pending).toBe(0);
  });

  it('failure 9: an elector that hangs is found out', async () => {
    elector.run = () => new Promise(() => undefined);
    const { nextAttemptAt: _, ...status } = elector.status();
    elector.status = () => ({ ...status, nextAttemptAt: new Date(clock.now() - 30_000).toISOString() });
    void loop.run(stop.signal);
    await clock.advance(0);
    expect(probe('/health')).toMatchObject({ status: 'elector stopped' });
    elector.status = () => ({ ...status, nextAttemptAt: new Date(clock.now() - 29_000).toISOString() });
    expect(probe('/health')).toMatchObject({ status: 'ok' });
  });

  it('a service that fails gives the lead away instead of holding it idle', async () => {
    serve = () => Promise.reject(new Error('bug'));
    const running = loop.run(stop.signal);
    await clock.advance(10);
    expect(elector.leading).toBeUndefined();
    serve = until;
    // nobody else wanted it: after the hold-off it is ours again
    await clock.advance(30_000);
    expect(terms.length).toBe(2);
    expect(terms[1]).toBeGreaterThan(terms[0]!);
    stop.abort(new Error('over'));
    await clock.advance(20_000);
    await running;
  });

  it('does not begin to serve before the time before is over', async () => {
    let ends: (() => void)[] = [];
    serve = () => new Promise((resolve) => ends.push(resolve));
    const running = loop.run(stop.signal);
    await clock.advance(10);
    elector.yield('test', 0);
    await clock.advance(20_000);
    expect([elector.leading === undefined, terms.length]).toEqual([false, 1]);
    ends[0]!();
    await clock.advance(0);
    expect(terms.length).toBe(2);
    stop.abort(new Error('over'));
    await clock.advance(20_000);
    ends.forEach((end) => end());
    ends = [];
    await running;
  });
});
