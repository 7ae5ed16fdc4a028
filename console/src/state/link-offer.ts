import { type ReadonlySignal, signal } from '@preact/signals';
import type { Account } from './account.ts';
import { readToken } from './token.ts';

/** A link's token that waits for the user's word, as somebody else is signed in. */
export interface LinkOffer {
  readonly token: string;
  /** Whose it is. */
  readonly user: string;
}

/** Sign-in links that come while somebody is signed in. */
export interface LinkOffers {
  /** What the page asks about; null: nothing. */
  readonly offer: ReadonlySignal<LinkOffer | null>;
  /** Signs in with a link's token; asks first where that would replace another user. */
  take(token: string): void;
  accept(): void;
  refuse(): void;
}

export function createLinkOffers(account: Pick<Account, 'claims' | 'signIn'>, now: () => number): LinkOffers {
  const offer = signal<LinkOffer | null>(null);
  return {
    offer,
    take(token) {
      const current = account.claims.value;
      if (current === null) return void account.signIn(token);
      let user: string;
      try {
        ({ user } = readToken(token, now()));
      } catch {
        // a link that is no good is no reason to sign anybody out
        return;
      }
      if (user === current.user) account.signIn(token);
      else offer.value = { token, user };
    },
    accept() {
      const taken = offer.value;
      offer.value = null;
      if (taken !== null) account.signIn(taken.token);
    },
    refuse() {
      offer.value = null;
    },
  };
}
