import { type ReadonlySignal, signal } from '@preact/signals';
import type { Account } from './account.ts';
import { readToken } from './token.ts';

/** A link's token that waits for confirmation, because another user is signed in. */
export interface LinkOffer {
  readonly token: string;
  /** Its user. */
  readonly user: string;
}

/** Sign-in links opened while a user is signed in. */
export interface LinkOffers {
  /** The offer that the page shows; null: none. */
  readonly offer: ReadonlySignal<LinkOffer | null>;
  /** Signs in with a link's token; asks first if that would replace another user, of this tab or of another one of this browser. */
  take(token: string): Promise<void>;
  readonly accept: () => void;
  readonly refuse: () => void;
}

/** `others`: the token of another signed-in tab; null without one. */
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
        // another tab's sign-in counts for this tab too: a link opened in a new tab replaces it in both
        if (found !== null && account.claims.value === null) account.signIn(found);
      }
      const current = account.claims.value;
      if (current === null) return void account.signIn(token);
      let user: string;
      try {
        ({ user } = readToken(token, now()));
      } catch {
        // an invalid link must not sign the user out
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
