import { StreamSpaceError } from '@streamspace/protocol';
import { type Clock, type Timer, withDeadline } from 'clock-port';
import type { SignInKey, Store } from '../store/store.ts';
import { disabled, type DisabledUsers } from './disabled-users.ts';

/** Milliseconds between two looks, and for the store's answer: together well below the five seconds within which a screen ends. */
const LOOK_MS = 2_000;
const ANSWER_MS = 2_000;

/** Whose screen or event stream it is. */
export interface Attendant {
  readonly user: string;
  /** Undefined: by a token. */
  readonly signIn?: SignInKey | undefined;
  /** Of the sign-in, as it is known, for as long as the store is away. */
  readonly expires?: number | undefined;
}

interface Followed {
  readonly user: string;
  readonly signIn: SignInKey | undefined;
  /** As it was last seen. */
  expires: number;
  readonly ends: Set<(why: StreamSpaceError) => void>;
}

/** Ends screens and event streams of this hub replica when their sign-in has ended, or their user was disabled, at whichever replica. */
export class SignInWatch {
  readonly #store: Pick<Store, 'signIns'>;
  readonly #clock: Clock;
  readonly #disabled: DisabledUsers;
  readonly #followed = new Map<string, Followed>();
  #timer: Timer | undefined;
  #stopped = false;

  constructor(store: Pick<Store, 'signIns'>, clock: Clock, disabledUsers: DisabledUsers) {
    this.#store = store;
    this.#clock = clock;
    this.#disabled = disabledUsers;
  }

  /** Calls `end` once when that is so. */
  follow({ user, signIn, expires }: Attendant, end: (why: StreamSpaceError) => void): Timer {
    const name = signIn?.hash ?? `user ${user}`;
    const until = signIn === undefined ? Number.POSITIVE_INFINITY : (expires ?? 0);
    const known = this.#followed.get(name) ?? { user, signIn, expires: until, ends: new Set() };
    // separate followers, even of the same function
    const own = (why: StreamSpaceError) => end(why);
    known.ends.add(own);
    this.#followed.set(name, known);
    this.#plan();
    return {
      cancel: () => {
        known.ends.delete(own);
        if (known.ends.size > 0 || this.#followed.get(name) !== known) return;
        this.#followed.delete(name);
        if (this.#followed.size === 0) this.#rest();
      },
    };
  }

  /** Looks now, for a sign-in that ended here. Never rejects. */
  async look(): Promise<void> {
    // a token's screens need the list alone, which is kept
    await Promise.all([...this.#followed].map(([name, each]) => this.#check(name, each)));
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

  async #check(name: string, followed: Followed): Promise<void> {
    const { user, signIn, ends } = followed;
    let out = false;
    try {
      const [isDisabled, record] = await withDeadline(this.#clock, ANSWER_MS, 'the store', undefined, () =>
        Promise.all([this.#disabled.has(user), signIn && this.#store.signIns.get(signIn)]),
      );
      out = isDisabled;
      if (signIn !== undefined) followed.expires = record?.expires ?? 0;
    } catch {
      // the store is away: what was known goes on counting
    }
    if (!out && this.#clock.now() < followed.expires) return;
    if (this.#followed.get(name) === followed) this.#followed.delete(name);
    const why = out ? disabled(user) : new StreamSpaceError('unauthenticated', 'your sign-in has ended: sign in again');
    for (const end of ends) end(why);
  }
}
