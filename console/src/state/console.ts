import { type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { createHttp, RestError } from '../api/http.ts';
import { createHub, type HubApi } from '../api/hub.ts';
import { wordsOf } from '../words/sentence.ts';
import { type Account, createAccount } from './account.ts';
import { createListView, type ListView } from './list-view.ts';
import { createLinkOffers, type LinkOffers } from './link-offer.ts';
import { createLive, type LiveFeed } from './live.ts';
import { createPeople, type People } from './people.ts';
import { createNow } from './now.ts';
import { createPictures, type ScreenPictures } from './pictures.ts';
import { atHub, hubRoot, ownName } from './root.ts';
import { createRoute, type Route } from './route.ts';
import { createScreenSettings, type RememberedSettings } from './screen-settings.ts';
import { createTabs } from './tabs.ts';
import { createTheme, type Theme } from './theme.ts';
import { createToasts, type Toasts } from './toasts.ts';
import { tokenInFragment } from './token.ts';
import { createWorld, type World } from './world.ts';

/** State shared by all pages. Created once, in main. */
export interface Console {
  readonly account: Account;
  readonly people: People;
  /** Signs the user out, here and at the provider. Never rejects. */
  readonly leave: () => Promise<void>;
  /** The same in all browsers. */
  readonly leaveEverywhere: () => Promise<void>;
  /** The page is asking other tabs and the hub for a sign-in. */
  readonly looking: ReadonlySignal<boolean>;
  readonly links: LinkOffers;
  readonly hub: HubApi;
  readonly world: World;
  readonly live: LiveFeed;
  readonly route: ReadonlySignal<Route>;
  readonly theme: Signal<Theme>;
  readonly list: Signal<ListView>;
  readonly toasts: Toasts;
  readonly now: ReadonlySignal<number>;
  readonly pictures: ScreenPictures;
  readonly screens: RememberedSettings;
  /** Path and query of the API as an absolute WebSocket URL. */
  readonly webSocketUrl: (path: string) => string;
}

export function createConsole(): Console {
  const root = hubRoot();
  const account = createAccount(sessionStorage, ownName(root, 'streamspace.token'));
  const tabs = createTabs(
    ownName(root, 'streamspace'),
    () => account.token.value,
    () => account.key.value !== null && account.signOut('You signed out in another tab.'),
  );
  const looking = signal(account.token.value === null);
  const links = createLinkOffers(account, tabs.ask, Date.now);
  const taken = takeTokenFromAddress(links);
  const http = createHttp({
    base: new URL('api/v1', root).href,
    token: () => account.token.value,
    onUnauthenticated(error) {
      if (account.token.value !== null) account.signOut(`The hub does not accept your token: ${error.message}`);
      else if (account.person.value !== null) account.signOut(wordsOf(error));
    },
  });
  const hub = createHub(http);
  const people = createPeople(account, hub, root);
  if (looking.value)
    void (taken ?? tabs.ask())
      .then((token) => {
        if (token && account.token.value === null) account.signIn(token);
        return account.token.value === null ? people.find() : undefined;
      })
      .finally(() => (looking.value = false));
  const toasts = createToasts();
  const leave = async (atHub: () => Promise<string | null>): Promise<void> => {
    let page: string | null = null;
    try {
      page = await atHub();
    } catch (error) {
      // only the hub can end it: the cookie is not the page's to delete
      if (!(error instanceof RestError && error.status === 401))
        return toasts.error(`Not signed out: ${wordsOf(error)}`);
    }
    account.signOut('You are signed out.');
    tabs.tellSignedOut();
    if (page !== null) location.assign(page);
  };
  const world = createWorld();
  return {
    account: {
      ...account,
      signOut(notice) {
        account.signOut(notice);
        tabs.tellSignedOut();
      },
    },
    people,
    leave: () => leave(() => (account.person.value === null ? Promise.resolve(null) : hub.signOut())),
    leaveEverywhere: () => leave(() => hub.signOutEverywhere()),
    looking,
    links,
    hub,
    world,
    live: createLive(http, hub, world, account.admin),
    route: createRoute(),
    theme: createTheme(localStorage),
    list: createListView(localStorage),
    toasts,
    now: createNow(),
    pictures: createPictures({ storage: sessionStorage, now: Date.now, taken: (id) => hub.picture(id) }),
    screens: createScreenSettings(localStorage),
    webSocketUrl: (path) => {
      const url = atHub(root, path);
      url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
      return url.href;
    },
  };
}

/**
 * A sign-in link carries its token in the fragment: takes it, and removes it from the address bar and the history. The result settles when
 * that has been decided; undefined: the address has no token.
 */
function takeTokenFromAddress(links: LinkOffers): Promise<void> | undefined {
  const take = () => {
    const found = tokenInFragment(location.hash);
    if (!found) return undefined;
    history.replaceState(null, '', `${location.pathname}${location.search}#${found.to}`);
    return links.take(found.token);
  };
  // Before the router sees it: a link opened in an existing tab.
  addEventListener('hashchange', () => void take());
  return take();
}

export const ConsoleContext = createContext<Console | null>(null);

export function useConsole(): Console {
  const found = useContext(ConsoleContext);
  if (!found) throw new Error('useConsole outside of <ConsoleContext.Provider>');
  return found;
}
