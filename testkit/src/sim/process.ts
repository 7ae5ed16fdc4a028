import type { Clock, Timer } from 'clock-port';
import type { Random } from '../random.ts';
import type { VirtualClock } from '../virtual-clock.ts';

/** A process died in the middle of an operation: none of its code runs any more. */
export class Crashed extends Error {}

/**
 * A process of a simulation. All its outside effects pass through this class (timers, sockets, ports), so that it can be crashed between
 * any two steps, or paused and thawed: a crashed process receives nothing any more, a paused one receives everything later.
 */
export class SimProcess {
  readonly name: string;
  readonly clock: Clock;
  #state: 'running' | 'paused' | 'crashed' = 'running';
  readonly #held: (() => void)[] = [];
  readonly #onCrash: (() => void)[] = [];

  /** `rate`: how fast its monotonic clock runs, 1 = as the world's. */
  constructor(name: string, world: VirtualClock, rate = 1) {
    this.name = name;
    this.clock = {
      now: () => world.now(),
      monotonic: () => world.monotonic() * rate,
      setTimeout: (fn: () => void, ms: number): Timer => {
        let cancelled = false;
        const timer = world.setTimeout(() => this.run(() => !cancelled && fn()), ms / rate);
        return {
          cancel: () => {
            cancelled = true;
            timer.cancel();
          },
        };
      },
    };
  }

  get alive(): boolean {
    return this.#state !== 'crashed';
  }

  get paused(): boolean {
    return this.#state === 'paused';
  }

  /** Something from outside reaches the process: now, after it thaws, or never. */
  run(step: () => void): void {
    if (this.#state === 'running') step();
    else if (this.#state === 'paused') this.#held.push(step);
  }

  pause(): void {
    if (this.#state === 'running') this.#state = 'paused';
  }

  thaw(): void {
    if (this.#state !== 'paused') return;
    this.#state = 'running';
    for (const step of this.#held.splice(0)) this.run(step);
  }

  crash(): void {
    if (this.#state === 'crashed') return;
    this.#state = 'crashed';
    this.#held.length = 0;
    for (const hook of this.#onCrash.splice(0)) hook();
  }

  /** What the kernel does when the process dies: close its sockets. */
  onCrash(hook: () => void): void {
    this.#onCrash.push(hook);
  }

  /** Waits for something outside: the answer reaches the process only if it still lives. */
  outside<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      work.then(
        (value) => this.run(() => resolve(value)),
        (error: unknown) => this.run(() => reject(error as Error)),
      );
    });
  }
}

export interface Mishaps {
  /** Chance that a call takes its process with it, before or after its effect. */
  crash: number;
  /** Milliseconds that a call takes, at most. */
  delay: number;
}

/**
 * A port as seen by a process of the simulation: every call takes a random time, and the process may crash before or after
 * the call has its effect. Nested objects of a port (`store.commands`) are wrapped too. `exempt`: methods that are not wrapped.
 */
export function throughProcess<T extends object>(
  port: T,
  process: SimProcess,
  world: VirtualClock,
  random: Random,
  mishaps: Mishaps,
  exempt: readonly string[] = [],
): T {
  return new Proxy(port, {
    get(target, key, receiver) {
      const value: unknown = Reflect.get(target, key, receiver);
      if (typeof value === 'object' && value !== null)
        return throughProcess(value, process, world, random, mishaps, exempt);
      if (typeof value !== 'function' || exempt.includes(String(key)))
        return typeof value === 'function' ? value.bind(target) : value;
      return (...args: unknown[]) => {
        const wait = () =>
          new Promise<void>((resolve) => void world.setTimeout(resolve, random.next() * mishaps.delay));
        const call = async () => {
          await wait();
          if (random.chance(mishaps.crash)) process.crash();
          // the request had left before a pause, but not before a crash
          if (!process.alive) throw new Crashed(process.name);
          const result: unknown = await (value as (...a: unknown[]) => unknown).apply(target, args);
          await wait();
          if (random.chance(mishaps.crash)) process.crash();
          return result;
        };
        return process.outside(call());
      };
    },
  });
}
