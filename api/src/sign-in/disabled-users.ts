import { StreamSpaceError } from '@streamspace/protocol';
import type { Clock } from 'clock-port';
import type { Store } from '../store/store.ts';

/** Milliseconds for which an answer of the store counts: a part of the five seconds within which a disabled user is out. */
const LOOK_MS = 1_000;

/** Users whom an admin has disabled, as this hub replica knows them: at most a second old, while the store answers. */
export class DisabledUsers {
  readonly #store: Pick<Store, 'disabledUsers'>;
  readonly #clock: Clock;
  #users: ReadonlySet<string> | undefined;
  #version = '';
  #lookedAt = Number.NEGATIVE_INFINITY;
  #looking: Promise<void> | undefined;

  constructor(store: Pick<Store, 'disabledUsers'>, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Rejects with `store_unavailable` only if the store never answered: with a store that is away, the last answer counts. */
  async has(user: string): Promise<boolean> {
    if (this.#users === undefined || this.#clock.monotonic() - this.#lookedAt >= LOOK_MS) await this.look();
    return this.#users!.has(user);
  }

  /** Throws `unauthenticated` for a disabled user. */
  async refuse(user: string): Promise<void> {
    if (await this.has(user)) throw disabled(user);
  }

  /** Asks the store now. */
  look(): Promise<void> {
    return (this.#looking ??= this.#look().finally(() => (this.#looking = undefined)));
  }

  async #look(): Promise<void> {
    const { disabledUsers } = this.#store;
    try {
      if (this.#users === undefined || (await disabledUsers.version()) !== this.#version) {
        const { version, users } = await disabledUsers.list();
        this.#users = new Set(users.map(({ user }) => user));
        this.#version = version;
      }
    } catch (error) {
      if (this.#users === undefined) throw error;
    } finally {
      this.#lookedAt = this.#clock.monotonic();
    }
  }
}

export const disabled = (user: string): StreamSpaceError =>
  new StreamSpaceError('unauthenticated', `user ${user} is disabled: an admin can enable the user again`);
