import type { Session, Template } from '@streamspace/protocol';
import { type Mishaps, Random, SimNetwork, type SimProcess, type SimSocket, VirtualClock } from '@streamspace/testkit';
import { MemoryLease } from 'lease-elector/memory';
import { changeSession } from '../../../api/src/sessions/change.ts';
import { createSession } from '../../../api/src/sessions/create.ts';
import type { Store } from '../../../api/src/store/store.ts';
import { AGENT_ID, SimAgent } from './agent.ts';
import { SimHub } from './hub.ts';
import { monitored } from './monitor.ts';
import { Platform } from './platform.ts';
import { ReplicatedStore } from '../../../api/test/support/replicated-store.ts';

const TEMPLATE: Template = {
  id: 'desktop',
  name: 'Desktop',
  description: '',
  platforms: ['process'],
  image: '',
  cpu: 1,
  memory: 1,
  storage: 0,
  env: {},
};
const USER = { id: 'ada', admin: false, expires: Number.POSITIVE_INFINITY };
const REPLICAS = 3;

/** A hub, three replicas of an agent, their lease, the network between them and users who click: everything of it can break. */
export class World {
  readonly clock = new VirtualClock();
  readonly random: Random;
  readonly network: SimNetwork;
  readonly lease: MemoryLease;
  readonly platform = new Platform();
  readonly replicated: ReplicatedStore;
  readonly store: Store;
  readonly problems: string[];
  readonly terms: number[];
  /** Commands that were answered 202. */
  readonly accepted: string[] = [];
  readonly sessions: string[] = [];
  hub: SimHub;
  readonly agents: SimAgent[] = [];
  readonly #mishaps: Mishaps;
  readonly #platformMishaps: Mishaps;
  #incarnation = 0;

  constructor(seed: number) {
    this.random = new Random(seed);
    // some worlds are calm, so that the way without any failure is seen as well; in others every tenth step is a process's last
    this.#mishaps = { crash: this.random.pick([0, 0.002, 0.01, 0.03]), delay: this.random.pick([1, 10, 60]) };
    this.#platformMishaps = { ...this.#mishaps, delay: this.random.pick([this.#mishaps.delay, 3_000]) };
    this.network = new SimNetwork(this.clock, this.random, this.random.pick([1, 20, 150]));
    this.lease = new MemoryLease('lease', this.clock);
    this.replicated = new ReplicatedStore(this.clock);
    const { store, problems, terms } = monitored(this.replicated.store);
    this.store = store;
    this.problems = problems;
    this.terms = terms;
    void store.templates.put(TEMPLATE);
    this.hub = this.#newHub();
    for (let index = 0; index < REPLICAS; index++) this.agents.push(this.#newAgent(index));
  }

  /** A while of ordinary life with mishaps. */
  async misfortunes(steps: number): Promise<void> {
    for (let step = 0; step < steps; step++) {
      const { random } = this;
      const misfortune = random.next();
      if (misfortune < 0.5) this.#click();
      else if (misfortune < 0.56) random.pick(this.agents).process.crash();
      else if (misfortune < 0.6) this.#leader()?.process.crash();
      else if (misfortune < 0.66) this.#pause(this.#leader() ?? random.pick(this.agents));
      else if (misfortune < 0.7) this.hub.process.crash();
      else if (misfortune < 0.78) this.#cut();
      else if (misfortune < 0.82) this.lease.delete();
      else if (misfortune < 0.86) this.network.heal();
      else if (misfortune < 0.9) this.#partReplica();
      this.#restartTheDead();
      await this.clock.advance(random.next() * random.pick([50, 400, 2_500]));
    }
  }

  /** Nothing breaks any more: resolves when all that was accepted is over. */
  async calm(limitMs: number): Promise<void> {
    this.#mishaps.crash = 0;
    this.#platformMishaps.crash = 0;
    this.network.heal();
    this.replicated.join();
    for (const { process } of [...this.agents, this.hub]) process.thaw();
    this.#restartTheDead();
    let open = true;
    const look = async () => {
      const all = await this.store.commands.open(AGENT_ID);
      open = all.length > 0;
    };
    const end = this.clock.monotonic() + limitMs;
    // what was clicked last is on its way
    await this.clock.advance(3_000);
    await look();
    while (open) {
      if (this.clock.monotonic() > end)
        throw new Error(`commands still open: ${JSON.stringify(await this.store.commands.open(AGENT_ID))}`);
      await this.clock.advance(250);
      await look();
    }
    await this.clock.advance(5_000);
  }

  async stop(): Promise<void> {
    for (const agent of this.agents) agent.stop();
    await this.clock.advance(8_000);
    this.hub.process.crash();
  }

  #newHub(): SimHub {
    return new SimHub(`hub-${this.#incarnation++}`, this.clock, this.random, this.store, this.#mishaps);
  }

  #newAgent(index: number): SimAgent {
    const agent = new SimAgent(`lab-${index}`, this.#incarnation++, {
      clock: this.clock,
      random: this.random,
      lease: this.lease,
      platform: this.platform,
      mishaps: this.#mishaps,
      platformMishaps: this.#platformMishaps,
      dial: (from) => this.#dial(from),
    });
    // the kubelet's word, in half of the cases
    if (this.random.chance(0.5))
      agent.process.onCrash(
        () =>
          void this.clock.setTimeout(() => this.lease.declareGone(agent.identity, 'ended'), this.random.next() * 500),
      );
    return agent;
  }

  #dial(from: SimProcess): SimSocket {
    const to = this.hub.process;
    const [near, far] = this.network.connect(from, to);
    const reachable = to.alive && !this.network.isCut(from.name, to.name) && !this.network.isCut(to.name, from.name);
    this.clock.setTimeout(() => {
      if (!reachable || !to.alive) return from.run(() => near.emit('error', new Error('connection refused')));
      to.run(() => this.hub.process === to && this.hub.take(far, AGENT_ID));
      from.run(() => near.emit('open'));
    }, this.random.next() * 20);
    return near;
  }

  #leader(): SimAgent | undefined {
    return this.agents.find(({ elector, process }) => process.alive && elector.leading !== undefined);
  }

  #pause({ process }: SimAgent): void {
    process.pause();
    this.clock.setTimeout(() => process.thaw(), this.random.pick([100, 2_000, 12_000]) * this.random.next());
  }

  /** The store's replica is cut off for a while, and then perhaps the primary. */
  #partReplica(): void {
    this.replicated.part();
    this.clock.setTimeout(
      () => (this.random.chance(0.5) ? this.replicated.promote() : this.replicated.join()),
      this.random.next() * this.random.pick([200, 5_000]),
    );
  }

  #cut(): void {
    const { name } = (this.#leader() ?? this.random.pick(this.agents)).process;
    const hub = this.hub.process.name;
    const way = this.random.below(3);
    if (way !== 0) this.network.cut(name, hub);
    if (way !== 1) this.network.cut(hub, name);
  }

  #restartTheDead(): void {
    for (const [index, agent] of this.agents.entries())
      if (!agent.process.alive) this.agents[index] = this.#newAgent(index);
    if (!this.hub.process.alive) this.hub = this.#newHub();
  }

  /** A user does something; what the hub accepted is remembered, what it refused or never answered is not. */
  #click(): void {
    const { deps } = this.hub;
    const traceId = 'f'.repeat(32);
    const known = this.sessions.length > 0 && this.random.chance(0.6) ? this.random.pick(this.sessions) : undefined;
    const request =
      known === undefined
        ? createSession(deps, { template: 'desktop' }, { user: USER.id, traceId })
        : changeSession(deps, this.random.pick(['hibernate', 'wake', 'delete'] as const), known, {
            user: USER,
            traceId,
          });
    request.then(
      ({ session, command }) => {
        this.accepted.push(command.id);
        if (known === undefined) this.sessions.push(session.id);
      },
      () => {},
    );
  }

  async known(): Promise<Session[]> {
    return this.store.sessions.list({});
  }
}
