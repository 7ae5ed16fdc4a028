import type { Random, VirtualClock } from '@streamspace/testkit';

/** Whoever fences by terms: accepts a claim iff its term is greater than the last accepted, or equal and from the same replica. */
export class Hub {
  /** Claims accepted, in order. */
  readonly accepted: { term: number; replica: string }[] = [];
  /** What had an effect. */
  readonly effects: { at: number; term: number; replica: string }[] = [];
  readonly #world: VirtualClock;
  readonly #random: Random;
  /** Longest one-way delay, milliseconds. */
  delayMs = 50;

  constructor(world: VirtualClock, random: Random) {
    this.#world = world;
    this.#random = random;
  }

  /** The answer reaches the claimant late: `true`, or the greater term. */
  claim(replica: string, term: number, answer: (verdict: true | number) => void): void {
    this.#later(() => {
      const last = this.accepted.at(-1);
      const verdict = !last || term > last.term || (term === last.term && replica === last.replica) || last.term;
      if (verdict === true && term !== last?.term) this.accepted.push({ term, replica });
      this.#later(() => answer(verdict));
    });
  }

  /** Something done in the name of a term: has an effect only if that claim is the accepted one; otherwise its connection is closed. */
  act(replica: string, term: number, superseded: () => void): void {
    this.#later(() => {
      const last = this.accepted.at(-1);
      if (last?.term === term && last.replica === replica) {
        this.effects.push({ at: this.#world.monotonic(), term, replica });
      } else this.#later(superseded);
    });
  }

  #later(step: () => void): void {
    this.#world.setTimeout(step, this.#random.next() * this.delayMs);
  }
}
