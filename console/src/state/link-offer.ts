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
  /** Signs in with a link's token; asks first where that would replace another user, of this tab or of another one of this browser. */
  take(token: string): Promise<void>;
  readonly accept: () => void;
  readonly refuse: () => void;
}

/** `others`: the token of another tab that is signed in; null when there is none. */
export function createLinkOffers(
  account: Pick<Account, 'claims' | 'signIn'>,
  others: () => Promise<string | null>,
  now: () => number,
): LinkOffers {
  const offer = signal<LinkOffer | null>(null);
  return {
    offer,
    async take(token) {
      if (account.claims.value === null) {
        const found = await others();
        // what another tab has is this tab's sign-in, too: a link opened in a new tab replaces it there as it would here
        if (found !== null && account.claims.value === null) account.signIn(found);
      }
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
