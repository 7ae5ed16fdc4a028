import type { Event } from '@streamspace/protocol';

/** The newest events, oldest first: bounded in number and in bytes of JSON; the newest one is kept at any size. */
export class KeptEvents {
  readonly #most: { readonly count: number; readonly bytes: number };
  #events: (Event | undefined)[] = [];
  #sizes: number[] = [];
  /** Index of the oldest one in both arrays: removing the first item of a long array costs more. */
  #first = 0;
  #bytes = 0;

  constructor(most: { count: number; bytes: number }) {
    this.#most = most;
  }

  push(event: Event, bytes: number): void {
    this.#events.push(event);
    this.#sizes.push(bytes);
    this.#bytes += bytes;
    while (
      this.#events.length - this.#first > 1 &&
      (this.#events.length - this.#first > this.#most.count || this.#bytes > this.#most.bytes)
    ) {
      this.#bytes -= this.#sizes[this.#first]!;
      // dropped events must not be held until the next compaction
      this.#events[this.#first] = undefined;
      this.#first += 1;
    }
    if (this.#first > this.#most.count / 4 || this.#first > this.#events.length / 2) {
      this.#events.splice(0, this.#first);
      this.#sizes.splice(0, this.#first);
      this.#first = 0;
    }
  }

  after(id: number): Event[] {
    return this.#events.filter((event) => event !== undefined && event.id > id) as Event[];
  }
}
