import { StreamSpaceError } from '@streamspace/protocol';
import { type Clock, type Timer, withDeadline } from 'clock-port';
import type { SignInKey, Store } from '../store/store.ts';

/** Milliseconds between two looks, and for the store's answer: together well below the five seconds within which a screen ends. */
const LOOK_MS = 2_000;
const ANSWER_MS = 2_000;

interface Followed {
  readonly key: SignInKey;
  /** As it was last seen. */
  expires: number;
  readonly ends: Set<(why: StreamSpaceError) => void>;
}

/** Ends screens and event streams of this hub replica when their sign-in has ended, at whichever replica. */
export class SignInWatch {
  readonly #store: Pick<Store, 'signIns'>;
  readonly #clock: Clock;
  readonly #followed = new Map<string, Followed>();
  #timer: Timer | undefined;
  #stopped = false;

  constructor(store: Pick<Store, 'signIns'>, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Calls `end` once when the sign-in has ended. `expires`: as it is known, for as long as the store is away. */
  follow(key: SignInKey, expires: number, end: (why: StreamSpaceError) => void): Timer {
    const known = this.#followed.get(key.hash) ?? { key, expires, ends: new Set() };
    // separate followers, even of the same function
    const own = (why: StreamSpaceError) => end(why);
    known.ends.add(own);
    this.#followed.set(key.hash, known);
    this.#plan();
    return {
      cancel: () => {
        known.ends.delete(own);
        if (known.ends.size > 0 || this.#followed.get(key.hash) !== known) return;
        this.#followed.delete(key.hash);
        if (this.#followed.size === 0) this.#rest();
      },
    };
  }

  /** Looks now, for a sign-in that ended here. Never rejects. */
  async look(): Promise<void> {
    await Promise.all([...this.#followed.values()].map((each) => this.#check(each)));
  }

  stop(): void {
    this.#stopped = true;
    this.#rest();
  }

  #rest(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #plan(): void {
    if (this.#stopped || this.#timer !== undefined || this.#followed.size === 0) return;
    const timer = this.#clock.setTimeout(() => {
      void this.look().then(() => {
        if (this.#timer === timer) this.#timer = undefined;
        this.#plan();
      });
    }, LOOK_MS);
    this.#timer = timer;
  }

  async #check(followed: Followed): Promise<void> {
    const { key, ends } = followed;
    try {
      const record = await withDeadline(this.#clock, ANSWER_MS, 'the store', undefined, () =>
        this.#store.signIns.get(key),
      );
      followed.expires = record?.expires ?? 0;
    } catch {
      // the store is away: what was known goes on counting
    }
    if (this.#clock.now() < followed.expires) return;
    if (this.#followed.get(key.hash) === followed) this.#followed.delete(key.hash);
    const why = new StreamSpaceError('unauthenticated', 'your sign-in has ended: sign in again');
    for (const end of ends) end(why);
  }
}
