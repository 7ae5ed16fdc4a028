import type { Clock, Timer } from 'clock-port';

interface Entry {
  readonly due: number;
  readonly seq: number;
  readonly fn: () => void;
}

/** Lets every promise that can settle without time passing do so. */
export function settle(): Promise<void> {
  // setImmediate runs after the microtask queue is empty, however long the chain of promises is.
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * A clock that moves only when told to. Timers run in the order of their due time (first set first run when equal), and promises
 * settle between any two of them, so a test sees the same order every time.
 */
export class VirtualClock implements Clock {
  #elapsed = 0;
  #seq = 0;
  readonly #epoch: number;
  /** A binary heap, soonest first. Cancelled entries stay until they come up. */
  readonly #heap: Entry[] = [];
  readonly #live = new Set<Entry>();

  /** `epoch`: what `now()` says at the start, milliseconds since 1970. */
  constructor(epoch = Date.UTC(2030, 0, 1)) {
    this.#epoch = epoch;
  }

  now(): number {
    return this.#epoch + this.#elapsed;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  /** Timers that are set and have not run. */
  get pending(): number {
    return this.#live.size;
  }

  setTimeout(fn: () => void, ms: number): Timer {
    const entry: Entry = { due: this.#elapsed + Math.max(0, ms), seq: this.#seq++, fn };
    this.#live.add(entry);
    push(this.#heap, entry);
    return { cancel: () => void this.#live.delete(entry) };
  }

  /** Lets `ms` milliseconds pass. */
  async advance(ms: number): Promise<void> {
    const end = this.#elapsed + ms;
    await settle();
    while (await this.#runNext(end));
    this.#elapsed = Math.max(this.#elapsed, end);
    await settle();
  }

  /** Lets time pass until `condition` holds; throws when it does not within `limitMs` of virtual time. */
  async advanceUntil(condition: () => boolean, limitMs: number, what = 'condition'): Promise<void> {
    const end = this.#elapsed + limitMs;
    await settle();
    while (!condition()) {
      if (!(await this.#runNext(end))) throw new Error(`${what}: not within ${limitMs} ms of virtual time`);
    }
  }

  /** Runs the next timer due by `end`; false when there is none. */
  async #runNext(end: number): Promise<boolean> {
    for (;;) {
      const next = this.#heap[0];
      if (next === undefined || next.due > end) return false;
      pop(this.#heap);
      if (!this.#live.delete(next)) continue;
      this.#elapsed = Math.max(this.#elapsed, next.due);
      next.fn();
      await settle();
      return true;
    }
  }
}

const before = (a: Entry, b: Entry): boolean => a.due < b.due || (a.due === b.due && a.seq < b.seq);

function push(heap: Entry[], entry: Entry): void {
  let at = heap.push(entry) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!before(entry, heap[parent]!)) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = entry;
}

function pop(heap: Entry[]): void {
  const last = heap.pop()!;
  if (heap.length === 0) return;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
    if (!before(heap[child]!, last)) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = last;
}
