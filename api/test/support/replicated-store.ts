import { StreamSpaceError } from '@streamspace/protocol';
import type { VirtualClock } from '@streamspace/testkit';
import { sleep } from 'clock-port';
import { memoryStore } from '../../src/store/memory/memory-store.ts';
import type { Store } from '../../src/store/store.ts';

type Part = 'agents' | 'sessions' | 'commands';
type Step = (store: Store) => Promise<unknown>;
/** Steps that are waited for until the replica has them, as the store's Redis implementation does. */
const DURABLE = new Set(['claim', 'create', 'append', 'finish']);
/** Milliseconds that the replica may take. */
const WAIT_MS = 1_000;
const WISH_MS = 100;

/**
 * A store with a replica that follows later: what a step did is there at once, and is lost when the replica is promoted before it came so far.
 * Agents, sessions and commands; the rest is as it is in one memory.
 */
export class ReplicatedStore {
  readonly store: Store;
  readonly #clock: VirtualClock;
  readonly #onReturn = new Set<() => void>();
  /** All that changed anything, as far as it was not lost. */
  #log: Step[] = [];
  /** How many of them the replica has. */
  #has = 0;
  #primary: Store;
  #follows = true;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
    this.#primary = memoryStore(clock);
    const part = <P extends Part>(name: P): Store[P] => {
      const steps = Object.keys(this.#primary[name]).map((step) => [
        step,
        (...args: unknown[]) => this.#do(name, step, args),
      ]);
      return Object.fromEntries(steps) as Store[P];
    };
    this.store = {
      ...this.#primary,
      agents: part('agents'),
      sessions: part('sessions'),
      commands: part('commands'),
      onReturn: (callback, signal) => {
        this.#onReturn.add(callback);
        signal.addEventListener('abort', () => this.#onReturn.delete(callback));
      },
    };
  }

  /** From now on the replica gets nothing. */
  part(): void {
    this.#follows = false;
  }

  /** The replica follows again. */
  join(): void {
    this.#follows = true;
    this.#has = this.#log.length;
  }

  /** The replica, with what it has, is the primary, and the old one follows it. */
  promote(): void {
    this.#log = this.#log.slice(0, this.#has);
    this.#primary = memoryStore(this.#clock);
    this.join();
    // each is done when it returns
    for (const step of this.#log) void step(this.#primary);
    for (const callback of this.#onReturn) callback();
  }

  async #do(part: Part, name: string, args: unknown[]): Promise<unknown> {
    const step: Step = (store) =>
      (store[part] as unknown as Record<string, (...all: unknown[]) => Promise<unknown>>)[name]!(...args);
    this.#log.push(step);
    const at = this.#log.length;
    const primary = this.#primary;
    if (this.#follows) this.#has = at;
    const result = await step(primary);
    if (!DURABLE.has(name) && args.at(-1) !== 'lasting') return result;
    const there = await this.#replica(primary, at, name === 'finish' ? WISH_MS : WAIT_MS);
    if (name === 'finish') return result && { ...result, settled: there };
    if (!there) throw unavailable();
    return result;
  }

  /** Whether the replica has so many steps in time, and the primary is still the one that took them. */
  async #replica(primary: Store, steps: number, ms: number): Promise<boolean> {
    for (let waited = 0; waited < ms && primary === this.#primary && this.#has < steps; waited += 10)
      await sleep(this.#clock, 10);
    return primary === this.#primary && this.#has >= steps;
  }
}

const unavailable = (): StreamSpaceError => new StreamSpaceError('store_unavailable', 'the replica does not have it');
