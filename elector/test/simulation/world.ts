import { Random, SimProcess, VirtualClock } from '@streamspace/testkit';
import { expect } from 'vitest';
import { Elector, type Leading, type LossReason } from '../../src/index.ts';
import { Hub } from './hub.ts';
import { FINE, LeaseServer, type Weather } from './lease-server.ts';

export const LEASE_MS = 4000;
const DEADLINE_MS = 3000;
const RETRY_MS = 1000;
const ACT_EVERY_MS = 300;

interface Replica {
  readonly name: string;
  readonly process: SimProcess;
  readonly elector: Elector;
  readonly stop: AbortController;
  over: boolean;
}

/** Several electors, the lease server between them, the hub that fences them, and everything that can go wrong. */
export class World {
  readonly clock = new VirtualClock();
  readonly random: Random;
  readonly server: LeaseServer;
  readonly hub: Hub;
  readonly replicas: Replica[] = [];
  /**
   * Leadership ends when sight of the lease is lost, and nothing happens that only terms protect from (pauses, deletions): then two
   * must never believe they lead.
   */
  readonly strict: boolean;
  readonly elections: { at: number; replica: string; term: number }[] = [];
  readonly losses: { at: number; replica: string; reason: LossReason }[] = [];
  /** Everything that happened, for comparing two runs. */
  readonly trace: string[] = [];
  readonly violations: string[] = [];
  #started = 0;

  constructor(seed: number) {
    this.random = new Random(seed);
    this.strict = this.random.chance(0.4);
    this.server = new LeaseServer(this.clock, this.random);
    this.hub = new Hub(this.clock, this.random);
    const count = 2 + this.random.below(3);
    for (let i = 0; i < count; i++) this.start();
  }

  get alive(): Replica[] {
    return this.replicas.filter(({ process, over }) => process.alive && !over);
  }

  /** Those that lead, and could act on it. */
  get leaders(): Replica[] {
    return this.alive.filter(({ elector, process }) => elector.leading && !process.paused);
  }

  start(): void {
    const name = `replica-${++this.#started}`;
    const rate = this.random.between(0.99, 1.01);
    const process = new SimProcess(name, this.clock, rate);
    const stop = new AbortController();
    const elector = new Elector({
      lock: this.server.lockFor(process, this.random.chance(0.5)),
      clock: process.clock,
      random: () => this.random.next(),
      identity: name,
      leaseDurationMs: LEASE_MS,
      renewDeadlineMs: DEADLINE_MS,
      retryPeriodMs: RETRY_MS,
      onLoseSight: this.strict ? 'stop' : 'keep-until-superseded',
    });
    const replica: Replica = { name, process, elector, stop, over: false };
    this.replicas.push(replica);
    elector.on('elected', ({ term, reason }) => {
      const at = this.clock.monotonic();
      this.trace.push(`${at} ${name} elected ${term} ${reason}`);
      this.elections.push({ at, replica: name, term });
      if (process.alive) this.#checkBelief(replica);
      void this.#serve(replica, elector.leading!);
    });
    elector.on('lost', ({ term, reason }) => {
      this.trace.push(`${this.clock.monotonic()} ${name} lost ${term} ${reason}`);
      this.losses.push({ at: this.clock.monotonic(), replica: name, reason });
    });
    void elector.run(stop.signal).then(() => (replica.over = true));
  }

  /** Claims at the hub, catches up when refused, acts while accepted: what a leader's program does. */
  async #serve({ name, process, elector }: Replica, leading: Leading): Promise<void> {
    const { signal } = leading;
    const tell = (step: () => void) => process.run(() => !signal.aborted && step());
    const claim = (): void => {
      if (!process.alive) return;
      const { term } = leading;
      this.hub.claim(name, term, (verdict) =>
        tell(() => {
          if (verdict === true) act(term);
          else elector.raiseTerm(verdict).then(claim, () => undefined);
        }),
      );
    };
    const act = (term: number): void => {
      if (signal.aborted || !process.alive) return;
      expect(elector.leading).toBe(leading);
      let connected = true;
      // the claim of an earlier leader may have come later: whoever still leads connects again
      this.hub.act(name, term, () =>
        tell(() => {
          connected = false;
          claim();
        }),
      );
      process.clock.setTimeout(() => tell(() => connected && act(term)), ACT_EVERY_MS);
    };
    claim();
  }

  /** In strict mode: whoever is elected is the only one that believes it leads. */
  #checkBelief(elected: Replica): void {
    if (!this.strict || this.beliefExcused) return;
    const others = this.leaders.filter((other) => other !== elected);
    // listeners that throw are only reported
    for (const { name } of others) this.violations.push(`${elected.name} and ${name} both believe they lead`);
  }

  /** Set before a deletion that even strict worlds see. */
  beliefExcused = false;

  badWeather(): Weather {
    const { random } = this;
    return {
      delayMs: random.pick([20, 200, 1500]),
      lost: random.pick([0, 0.05, 0.3]),
      error: random.pick([0, 0.05, 0.3]),
      eventLost: random.pick([0, 0.1, 1]),
      eventDelayMs: random.pick([20, 300, 5000]),
      watchEnds: random.pick([0, 0.1]),
    };
  }

  /** One thing goes wrong. */
  mishap(): void {
    const { random, server } = this;
    const victim = random.pick(this.alive);
    switch (random.below(9)) {
      case 0:
        victim.process.crash();
        if (random.chance(0.5)) server.gone(victim.name);
        this.clock.setTimeout(() => this.start(), random.between(0, 5000));
        return;
      case 1:
        if (this.strict || victim.process.paused) return;
        victim.process.pause();
        this.clock.setTimeout(() => victim.process.thaw(), random.between(100, 15_000));
        return;
      case 2:
        if (!this.strict) server.delete();
        return;
      case 3:
        server.cut(victim.process);
        return;
      case 4:
        for (const { process } of this.alive) if (random.chance(0.7)) server.cut(process);
        return;
      case 5:
        server.heal();
        return;
      case 6:
        victim.elector.yield('for the sake of it', random.between(100, 5000));
        return;
      case 7:
        victim.stop.abort(new Error('stop'));
        this.clock.setTimeout(() => this.start(), random.between(0, 3000));
        return;
      default:
        server.weather = random.chance(0.3) ? FINE : this.badWeather();
    }
  }

  /** Nothing goes wrong from now on. */
  calm(): void {
    this.server.weather = FINE;
    this.server.heal();
    for (const { process } of this.replicas) process.thaw();
  }

  /** What must hold whatever happened. */
  checkHistory(): void {
    expect(this.violations).toEqual([]);
    // terms within the life of a lease never fall, and rise with every new holder
    let previous: { holder: string; term: number } | undefined;
    for (const { record } of this.server.history) {
      if (!record) {
        previous = undefined;
        continue;
      }
      if (previous) {
        expect(record.term).toBeGreaterThanOrEqual(previous.term);
        if (record.holder !== '' && record.holder !== previous.holder) {
          expect(record.term, `${record.holder} after ${previous.holder}`).toBeGreaterThan(previous.term);
        }
      }
      previous = record;
    }
    // accepted terms rise, one replica each; what had an effect is of the one accepted at that time
    const { accepted, effects } = this.hub;
    for (let i = 1; i < accepted.length; i++) expect(accepted[i]!.term).toBeGreaterThan(accepted[i - 1]!.term);
    const owner = new Map(accepted.map(({ term, replica }) => [term, replica]));
    for (let i = 0; i < effects.length; i++) {
      expect(owner.get(effects[i]!.term)).toBe(effects[i]!.replica);
      if (i > 0) expect(effects[i]!.term).toBeGreaterThanOrEqual(effects[i - 1]!.term);
    }
  }
}
