import type { Clock } from 'clock-port';

/** What was not seen again for so long is over, milliseconds: nobody may ask for the same again. */
const KEPT_MS = 60_000;
/** Words of one trouble, characters. */
const WORDS = 1024;
/** What concerns every call. */
const SERVER = 'server';

/** What keeps the API server from answering, by kind of call: one webhook may hang while all else is well. */
export class Troubles {
  readonly #clock: Clock;
  readonly #kinds = new Map<string, { words: string; at: number }>();
  readonly #listeners = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** In words; undefined: none. */
  get current(): string | undefined {
    const old = this.#clock.monotonic() - KEPT_MS;
    for (const [kind, { at }] of this.#kinds) if (at <= old) this.#kinds.delete(kind);
    return [...this.#kinds.values()].at(-1)?.words;
  }

  /** Calls back when there may be another one. Returns how to stop it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The server does not answer at all. */
  away(words: string): void {
    this.#set(SERVER, words);
  }

  /** It answered, whatever it was. */
  answered(): void {
    this.#delete(SERVER);
  }

  /** Calls of that kind are not done. */
  failed(kind: string, words: string): void {
    this.#set(kind, words);
  }

  /** One of that kind was done, or refused for good. */
  done(kind: string): void {
    this.#delete(kind);
  }

  #set(kind: string, given: string): void {
    const words = given.slice(0, WORDS);
    const before = this.#kinds.get(kind)?.words;
    this.#kinds.delete(kind);
    this.#kinds.set(kind, { words, at: this.#clock.monotonic() });
    if (before !== words) this.#tell();
  }

  #delete(kind: string): void {
    if (this.#kinds.delete(kind)) this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
