import { computed, effect, type ReadonlySignal, signal } from '@preact/signals';
import type { SignInOffer } from '@streamspace/protocol';
import type { HubApi } from '../api/hub.ts';
import type { Account } from './account.ts';

/** Milliseconds between two requests that keep a sign-in in use: the hub ends one that no open page uses. */
const KEEP_MS = 60_000;

/** Sign-in at the hub's providers. */
export interface People {
  /** Providers; empty until they are known. */
  readonly offers: ReadonlySignal<readonly SignInOffer[]>;
  /** Asks the hub for its providers, and for the user whose cookie this browser has. Never rejects. */
  find(): Promise<void>;
  /** Address that leads to a provider, and back to the present page. */
  readonly start: (provider: string) => string;
}

export function createPeople(
  account: Pick<Account, 'enter' | 'token' | 'person'>,
  hub: Pick<HubApi, 'me' | 'signInOffers'>,
  root: URL,
): People {
  const offers = signal<readonly SignInOffer[]>([]);
  const look = async (): Promise<void> => {
    const me = await hub.me().catch(() => null);
    if (me !== null && account.token.value === null) account.enter(me);
  };
  const signedIn = computed(() => account.person.value !== null);
  effect(() => {
    if (!signedIn.value) return;
    const timer = setInterval(() => void look(), KEEP_MS);
    return () => clearInterval(timer);
  });
  return {
    offers,
    async find() {
      offers.value = await hub.signInOffers().catch(() => []);
      // a hub without providers knows no cookies
      if (offers.value.length > 0) await look();
    },
    start(provider) {
      const url = new URL(`api/v1/sign-in/start/${encodeURIComponent(provider)}`, root);
      const here = location.hash.replace(/^#/, '');
      if (here.startsWith('/') && !here.startsWith('/sign-in/')) url.searchParams.set('return_to', here);
      return url.href;
    },
  };
}
