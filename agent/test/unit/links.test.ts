import { VirtualClock } from '@streamspace/testkit';
import { StreamSpaceError } from '@streamspace/protocol';
import { pino } from 'pino';
import { beforeEach, describe, expect, it } from 'vitest';
import { AgentMetrics } from '../../src/health/metrics.ts';
import { Backoff } from '../../src/link/backoff.ts';
import { HubContact } from '../../src/link/hub-contact.ts';
import type { HubSession } from '../../src/link/hub-session.ts';
import type { Link } from '../../src/link/link.ts';
import { Links } from '../../src/link/links.ts';

/** What {@link Links} sees of a link; its socket is gone only when the test says so. */
class FakeLink {
  readonly welcome = { connection_id: 'c', term: 1 };
  readonly said: string[] = [];
  error: StreamSpaceError | undefined;
  resolveClosed!: () => void;
  #resolve!: (error: StreamSpaceError) => void;
  readonly ended = new Promise<StreamSpaceError>((resolve) => (this.#resolve = resolve));
  readonly closed = new Promise<void>((resolve) => (this.resolveClosed = resolve));
  get open(): boolean {
    return this.error === undefined;
  }
  run(): void {}
  tell(message: { type: string }): void {
    this.said.push(message.type);
  }
  end(error: StreamSpaceError): void {
    if (!this.open) return;
    this.error = error;
    this.#resolve(error);
  }
}

let clock: VirtualClock;
let opened: FakeLink[];
let links: Links;
let contact: HubContact;
let goAway: (afterMs: number) => void;
let stop: AbortController;
let down: boolean;
let lines: string[];

beforeEach(() => {
  clock = new VirtualClock();
  opened = [];
  stop = new AbortController();
  down = false;
  lines = [];
  contact = new HubContact(clock, new AgentMetrics(() => 0), { connected: false });
  links = new Links({
    clock,
    log: pino({}, { write: (line: string) => void lines.push((JSON.parse(line) as { msg: string }).msg) }),
    backoff: new Backoff(clock, { base: 1000, max: 60_000, random: () => 0.5 }),
    contact,
    registration: {
      open: async () => {
        if (down) throw new StreamSpaceError('agent_offline', 'connect ECONNREFUSED');
        opened.push(new FakeLink());
        return opened.at(-1) as unknown as Link;
      },
      remedy: async () => false,
    },
    begin: () => ({ goAway: new Promise((resolve) => (goAway = resolve)) }) as unknown as HubSession,
  });
});

describe('links', () => {
  it('K9 ten minutes without a hub are a line when they begin, one a minute, and one when they end', async () => {
    down = true;
    const running = links.run(stop.signal);
    await clock.advance(600_000);
    const missing = lines.filter((line) => line === 'Not connected').length;
    expect(missing).toBeGreaterThan(5);
    expect(missing).toBeLessThanOrEqual(11);
    down = false;
    await clock.advance(60_000);
    expect(lines.slice(missing)).toEqual(['An outage is over', 'Connected']);
    stop.abort(new Error('over'));
    opened[0]!.resolveClosed();
    await running;
    expect(clock.pending).toBe(0);
  });

  it('[CON7] after leaving, nothing is opened any more', async () => {
    const running = links.run(stop.signal);
    await clock.advance(0);
    links.leave('bye');
    opened[0]!.resolveClosed();
    await running;
    await clock.advance(600_000);
    expect([opened.length, opened[0]!.said, clock.pending]).toEqual([1, ['goodbye'], 0]);
  });

  it('stops only when the last socket is gone', async () => {
    let done = false;
    const running = links.run(stop.signal).then(() => (done = true));
    await clock.advance(0);
    stop.abort(new Error('over'));
    await clock.advance(0);
    expect([opened[0]!.open, done]).toEqual([false, false]);
    opened[0]!.resolveClosed();
    await running;
  });

  it('[CON8] a loss while moving over does not start a third connection', async () => {
    const running = links.run(stop.signal);
    await clock.advance(0);
    goAway(500);
    opened[0]!.end(new StreamSpaceError('going_away', 'too late'));
    opened[0]!.resolveClosed();
    await clock.advance(499);
    expect(opened.length).toBe(1);
    await clock.advance(60_000);
    expect(opened.length).toBe(2);
    expect(contact.link).toBe(opened[1]);
    stop.abort(new Error('over'));
    opened[1]!.resolveClosed();
    await running;
  });
});
