import { mkdir, readdir, rmdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { SessionSpec, StreamSpaceError } from '@streamspace/protocol';
import { failed } from '../core/failure.ts';
import { takeHomes } from './home-owner.ts';
import type { Isolation } from './isolation.ts';
import type { Layout } from './layout.ts';

/**
 * Decides which users may have a session here: all if sessions are isolated; otherwise only users whose session could reach no other user's
 * home.
 */
export class Neighbours {
  readonly #isolation: Isolation;
  readonly #layout: Layout;
  #last: Promise<unknown> = Promise.resolve();

  constructor(isolation: Isolation, layout: Layout) {
    this.#isolation = isolation;
    this.#layout = layout;
  }

  /**
   * Makes the session's home. Throws, with the remedy, for a refused user: `driver_failed`, or `home_of_another` for a home that is marked as
   * another user's. Of two concurrent calls, one is first.
   */
  admit(spec: SessionSpec): Promise<void> {
    const turn = this.#last.then(() => this.#admit(spec));
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #admit({ user, template }: SessionSpec): Promise<void> {
    const { state, reason } = this.#isolation;
    if (state === 'refused') throw refusal(`${reason}. SESSION_ISOLATION=required allows no session without isolation`);
    const home = this.#layout.home(user, template);
    // before the check, so that of two agents' processes at least one sees the other's home
    const made = await mkdir(home, { recursive: true, mode: 0o700 });
    try {
      if (state === 'one_user' && (await this.#hasOthers(basename(dirname(home))))) throw this.#another(reason);
      await takeHomes(dirname(home), user);
    } catch (error) {
      if (made !== undefined) for (const folder of [home, dirname(home)]) await rmdir(folder).catch(() => {});
      throw error;
    }
  }

  #another(reason = ''): StreamSpaceError {
    return refusal(
      `Another user has a home on this machine, and a session of yours could read it. ${reason}; ` +
        "or set SESSION_ISOLATION=none, where users may read and change each other's files; or delete the other user's sessions with their homes",
    );
  }

  async #hasOthers(own: string): Promise<boolean> {
    for (const name of await readdir(this.#layout.homes)) {
      if (name === own || name.startsWith('.')) continue;
      const homes = await readdir(join(this.#layout.homes, name)).catch(() => []);
      if (homes.some((home) => !home.startsWith('.'))) return true;
    }
    return false;
  }
}

const refusal = (reason: string) => failed({ reason, code: 'permission' });
