import type { IncomingMessage } from 'node:http';
import { StreamSpaceError, type SignInProblem } from '@streamspace/protocol';
import type { FastifyBaseLogger } from 'fastify';
import { sameHash, sha256Hex } from '../auth/secrets.ts';
import type { HubDeps } from '../deps.ts';
import type { Cookies } from './cookies.ts';
import { failureOf, SignInFailure } from './failure.ts';
import type { ProviderClient } from './provider-client.ts';
import type { SignIns } from './sign-ins.ts';

/** Milliseconds that a user may stay at the provider. */
const JOURNEY_MS = 600_000;
/** A path of the page: one slash at the beginning, nothing that names another host, a token or a query. */
const RETURN = /^\/([\w.~%-]+\/?){0,8}$/;
const MAX_RETURN = 300;
const SECRET = /^[\w-]{43}$/;

/** Where the browser goes next, and the cookies that it gets. */
export interface NextStop {
  readonly location: string;
  readonly cookies: readonly string[];
  /** Who has signed in. */
  readonly user?: string;
  /** Why nobody has. */
  readonly problem?: SignInProblem;
}

interface JourneyDeps extends Pick<HubDeps, 'store' | 'config' | 'randomBytes'> {
  readonly cookies: Cookies;
  readonly providers: ReadonlyMap<string, ProviderClient>;
  readonly signIns: SignIns;
}

/**
 * The user's way to a provider and back. Its state is in the store: any hub replica finishes what another began. It is good for one use, for ten
 * minutes, and in the browser that began. Every step ends at the hub's own page or at the provider; what fails, at a page with the remedy.
 */
export class Journeys {
  readonly #deps: JourneyDeps;

  constructor(deps: JourneyDeps) {
    this.#deps = deps;
  }

  async begin(
    providerId: string,
    returnTo: string | undefined,
    request: IncomingMessage,
    log: FastifyBaseLogger,
  ): Promise<NextStop> {
    const { store, cookies, providers, randomBytes } = this.#deps;
    const secret = () => randomBytes(32).toString('base64url');
    const client = providers.get(providerId);
    if (client === undefined) return this.#failed(new SignInFailure('provider_unknown', 'no such provider'), '', log);
    try {
      const [state, nonce, verifier] = [secret(), secret(), secret()];
      // the same for all tabs of a browser, so that two may be on their way
      const known = cookies.read(request, cookies.browser);
      const browser = known !== undefined && SECRET.test(known) ? known : secret();
      await store.signIns.begin(
        sha256Hex(state),
        { provider: providerId, nonce, verifier, browser: sha256Hex(browser), returnTo: checkedReturn(returnTo) },
        JOURNEY_MS,
      );
      const url = await client.begin({ state, nonce, verifier });
      return {
        location: url.href,
        cookies: [cookies.set(cookies.browser, browser, { maxAgeMs: JOURNEY_MS, lax: true })],
      };
    } catch (error) {
      return this.#failed(error, providerId, log);
    }
  }

  /** `search`: the query with which the provider sent the browser back. */
  async finish(
    providerId: string,
    search: string,
    request: IncomingMessage,
    log: FastifyBaseLogger,
  ): Promise<NextStop> {
    const { store, cookies, providers, signIns, config } = this.#deps;
    try {
      const client = providers.get(providerId);
      if (client === undefined) throw new SignInFailure('provider_unknown', 'no such provider');
      const state = new URLSearchParams(search).get('state') ?? '';
      const browser = cookies.read(request, cookies.browser);
      // without a browser's cookie nothing is used up: a program that follows the address first, such as a scanner of links, spoils nothing
      const pending =
        browser === undefined || !SECRET.test(state) ? undefined : await store.signIns.take(sha256Hex(state));
      if (pending === undefined || !sameHash(pending.browser, sha256Hex(browser!)) || pending.provider !== providerId)
        throw new SignInFailure('state_invalid', 'the state is unknown, used, expired, or of another browser');
      const granted = await client.finish(search, { state, nonce: pending.nonce, verifier: pending.verifier });
      const session = await signIns.make(client, granted, request);
      return {
        location: this.#page(pending.returnTo),
        cookies: [cookies.set(cookies.session, session.cookie, { maxAgeMs: config.signIn.lifetimeMs })],
        user: session.user,
      };
    } catch (error) {
      return this.#failed(error, providerId, log);
    }
  }

  #failed(error: unknown, provider: string, log: FastifyBaseLogger): NextStop {
    const failure =
      error instanceof StreamSpaceError ? new SignInFailure('hub_unavailable', error.message) : failureOf(error);
    log.warn({ problem: failure.problem, reason: failure.message, provider }, 'sign-in failed');
    return { location: this.#page(problemPath(failure.problem, provider)), cookies: [], problem: failure.problem };
  }

  /** Always an address of the hub's own page: the path is behind the `#`. */
  #page(path: string): string {
    return `${this.#deps.config.publicUrl!}/#${path}`;
  }
}

const problemPath = (problem: SignInProblem, provider: string) =>
  provider === '' ? `/sign-in/${problem}` : `/sign-in/${problem}/${encodeURIComponent(provider)}`;

const checkedReturn = (path: string | undefined): string =>
  path !== undefined && path.length <= MAX_RETURN && RETURN.test(path) ? path : '/';
