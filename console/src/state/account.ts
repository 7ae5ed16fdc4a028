import type { Me } from '@streamspace/protocol';
import { computed, type ReadonlySignal, signal } from '@preact/signals';
import { type Claims, readToken, TokenProblem } from './token.ts';

/** Longest delay of `setTimeout`. */
const MAX_TIMER = 2 ** 31 - 1;
/** Milliseconds before the expiry of a token from which on its user is warned. */
const WARNING_MS = 120_000;

/**
 * The signed-in user: by a token, which lives only in this tab's session storage; or by a provider, with a cookie that the page can't read and
 * the browser sends.
 */
export interface Account {
  readonly token: ReadonlySignal<string | null>;
  readonly claims: ReadonlySignal<Claims | null>;
  /** By a provider. */
  readonly person: ReadonlySignal<Me | null>;
  /** Another one after each change of the user or token; null: nobody is signed in. */
  readonly key: ReadonlySignal<string | null>;
  readonly admin: ReadonlySignal<boolean>;
  /** The token expires within two minutes. */
  readonly expiring: ReadonlySignal<boolean>;
  /** Why no user is signed in, in words; null without a reason. */
  readonly notice: ReadonlySignal<string | null>;
  /** False for an invalid token; `notice` then gives the reason. */
  signIn(token: string): boolean;
  /** The user whose cookie the browser sends; called again with news of the same one. */
  enter(me: Me): void;
  signOut(notice?: string): void;
}

/** `key`: of the token in the storage. */
export function createAccount(storage: Storage, key: string): Account {
  const token = signal<string | null>(null);
  const claims = signal<Claims | null>(null);
  const person = signal<Me | null>(null);
  const notice = signal<string | null>(null);
  const expiring = signal(false);
  let timer: ReturnType<typeof setTimeout> | undefined;

  const signOut = (why: string | null = null) => {
    clearTimeout(timer);
    storage.removeItem(key);
    token.value = null;
    claims.value = null;
    person.value = null;
    expiring.value = false;
    notice.value = why;
  };
  const watchExpiry = (expires: number) => {
    clearTimeout(timer);
    const left = expires - Date.now();
    expiring.value = left <= WARNING_MS;
    const next = expiring.value ? left : left - WARNING_MS;
    timer = setTimeout(
      () => {
        if (Date.now() < expires) watchExpiry(expires);
        else signOut('Your token has expired: sign in with a new one.');
      },
      Math.min(MAX_TIMER, Math.max(0, next)),
    );
  };
  const signIn = (text: string): boolean => {
    const given = text.trim().replace(/^Bearer\s+/i, '');
    try {
      const read = readToken(given, Date.now());
      storage.setItem(key, given);
      claims.value = read;
      token.value = given;
      person.value = null;
      notice.value = null;
      watchExpiry(read.expires);
      return true;
    } catch (error) {
      signOut(error instanceof TokenProblem ? error.message : String(error));
      return false;
    }
  };

  const kept = storage.getItem(key);
  if (kept !== null) signIn(kept);
  return {
    token,
    claims,
    person,
    key: computed(() => token.value ?? (person.value === null ? null : `person ${person.value.user}`)),
    admin: computed(() => claims.value?.roles.includes('admin') ?? false),
    notice,
    expiring,
    signIn,
    enter(me) {
      claims.value = { user: me.user, name: me.name, roles: me.roles, expires: Date.parse(me.expires_at) };
      person.value = me;
      notice.value = null;
    },
    signOut: (why) => signOut(why ?? null),
  };
}
