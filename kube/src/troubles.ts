import type { Clock } from 'clock-port';

/** A trouble that did not occur again for this long is over, milliseconds: the same call may never be repeated. */
const KEPT_MS = 60_000;
/** Longest text of one trouble, characters. */
const WORDS = 1024;
/** The kind that concerns every call. */
const SERVER = 'server';

/** The causes that keep the API server from answering, by kind of call: one webhook may hang while everything else works. */
export class Troubles {
  readonly #clock: Clock;
  readonly #kinds = new Map<string, { words: string; at: number }>();
  readonly #listeners = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The latest trouble in words; undefined: none. */
  get current(): string | undefined {
    const old = this.#clock.monotonic() - KEPT_MS;
    for (const [kind, { at }] of this.#kinds) if (at <= old) this.#kinds.delete(kind);
    return [...this.#kinds.values()].at(-1)?.words;
  }

  /** Calls back when the troubles may have changed. Returns a function that ends the subscription. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The server does not answer at all. */
  away(words: string): void {
    this.#set(SERVER, words);
  }

  /** The server answered, successfully or not. */
  answered(): void {
    this.#delete(SERVER);
  }

  /** Calls of this kind fail. */
  failed(kind: string, words: string): void {
    this.#set(kind, words);
  }

  /** A call of this kind succeeded, or was finally refused. */
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
