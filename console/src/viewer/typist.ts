import { type ReadonlySignal, signal } from '@preact/signals';
import { type Key, keyOf, SPECIAL_KEYS, type Modifier, MODIFIERS } from './keys.ts';

const NONE: ReadonlySet<Modifier> = new Set();

/** Presses keys for the user: those of the key bar, and the text of an input method, a picker or an on-screen keyboard. */
export class Typist {
  /** Modifiers that are held down until the next key. */
  readonly held: ReadonlySignal<ReadonlySet<Modifier>>;
  readonly #held = signal(NONE);
  readonly #send: (key: Key, down: boolean) => void;
  readonly #typed: () => void;

  /** `typed` is called for each key before it is sent. */
  constructor(send: (key: Key, down: boolean) => void, typed: () => void) {
    this.#send = send;
    this.#typed = typed;
    this.held = this.#held;
  }

  /** Presses and releases a key, then releases the modifiers held for it. `chord`: held for this key alone. */
  press(key: Key, ...chord: Modifier[]): void {
    this.#typed();
    for (const modifier of chord) this.#send(MODIFIERS[modifier], true);
    this.#send(key, true);
    this.#send(key, false);
    for (const modifier of chord.toReversed()) this.#send(MODIFIERS[modifier], false);
    this.releaseAll();
  }

  /** Holds a modifier for the next key, or releases it. */
  hold(modifier: Modifier): void {
    const held = new Set(this.#held.value);
    const down = !held.delete(modifier);
    if (down) held.add(modifier);
    this.#held.value = held;
    this.#send(MODIFIERS[modifier], down);
  }

  /** Releases held modifiers after a key press. */
  releaseAll(): void {
    for (const modifier of this.#held.value) this.#send(MODIFIERS[modifier], false);
    this.#held.value = NONE;
  }

  /** Replaces the last written text: their common beginning is not sent again. */
  write(text: string, instead = ''): void {
    const [now, before] = [Array.from(text), Array.from(instead)];
    let same = 0;
    while (same < now.length && now[same] === before[same]) same += 1;
    for (let left = before.length; left > same; left--) this.press(SPECIAL_KEYS.backspace);
    for (const character of now.slice(same)) this.press(keyOf(character));
  }
}
