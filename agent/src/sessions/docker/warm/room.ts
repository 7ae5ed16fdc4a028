import type { SessionSpec } from '@streamspace/protocol';
import type { SessionContainerConfig } from '../options.ts';

type Size = Pick<SessionSpec, 'cpu' | 'memory'>;

/** Memory is bytes. */
interface Left {
  readonly cpu: number;
  readonly memory: number;
  readonly sessions: number;
}
type Defaults = Pick<SessionContainerConfig, 'sessionDefaultCpu' | 'sessionDefaultMemory'>;

/** A part of the capacity. */
export class Room {
  readonly #left: Left;
  readonly #config: Defaults;

  constructor(left: Left, config: Defaults) {
    this.#left = left;
    this.#config = config;
  }

  without(spec: Size, count: number): Room {
    const { cpu, memory } = this.#sizeOf(spec);
    const { cpu: cores, memory: bytes, sessions } = this.#left;
    return new Room(
      { cpu: cores - count * cpu, memory: bytes - count * memory, sessions: sessions - count },
      this.#config,
    );
  }

  /** How many containers of that size fit. */
  least(spec: Size): number {
    const { cpu, memory } = this.#sizeOf(spec);
    const fits = Math.min(this.#left.cpu / cpu, this.#left.memory / memory, this.#left.sessions);
    return Math.max(0, Math.floor(fits));
  }

  #sizeOf({ cpu, memory }: Size): { cpu: number; memory: number } {
    const { sessionDefaultCpu, sessionDefaultMemory } = this.#config;
    return { cpu: cpu > 0 ? cpu : sessionDefaultCpu, memory: memory > 0 ? memory : sessionDefaultMemory };
  }
}
