import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { StreamSpaceError } from '@streamspace/protocol';
import type { FastifyBaseLogger } from 'fastify';
import { sha256Hex } from '../auth/secrets.ts';
import type { AuthenticatedUser, CurrentSignIn } from '../auth/users.ts';
import type { HubDeps } from '../deps.ts';
import type { Clients } from '../http/client-address.ts';
import { shortened } from '../http/shortened.ts';
import type { SignInKey, SignInRecord } from '../store/store.ts';
import { type Cookies, PAGE_HEADER } from './cookies.ts';
import type { DisabledUsers } from './disabled-users.ts';
import { SignInFailure } from './failure.ts';
import { personOf } from './person.ts';
import type { Granted, ProviderClient } from './provider-client.ts';
import { sealed, unsealed } from './sealed.ts';

/** Milliseconds between two notes of a sign-in's use. */
const NOTE_MS = 60_000;
/** Milliseconds before the end of the provider's word at which the hub asks again. */
const AHEAD_MS = 60_000;
/** Milliseconds for which one request alone may use the refresh token. */
const REFRESH_MS = 20_000;

/** A user as 32 hex digits: stands in cookies and in the store's keys, whatever characters the user has. */
export const ownerOf = (user: string): string => createHash('sha256').update(user).digest('hex').slice(0, 32);

const COOKIE = /^([0-9a-f]{32})\.([\w-]{43})$/;

const signedOut = (why: string) => new StreamSpaceError('unauthenticated', `${why}: sign in again`);

/** What a sign-in keeps for its provider. */
interface Tokens {
  readonly idToken: string;
  readonly refreshToken?: string | undefined;
}

interface SignInsDeps extends Pick<HubDeps, 'store' | 'clock' | 'config' | 'randomBytes' | 'log'> {
  readonly clients: Clients;
  readonly cookies: Cookies;
  readonly providers: ReadonlyMap<string, ProviderClient>;
  readonly disabled: DisabledUsers;
}

/** The sign-ins of people in their browsers. */
export class SignIns {
  readonly #deps: SignInsDeps;

  constructor(deps: SignInsDeps) {
    this.#deps = deps;
  }

  /** Makes a sign-in of what the provider gave; returns the cookie's value and the user. Rejects with `SignInFailure`. */
  async make(
    client: ProviderClient,
    granted: Granted,
    request: IncomingMessage,
  ): Promise<{ cookie: string; user: string }> {
    const { store, clock, config, randomBytes, clients, disabled } = this.#deps;
    const person = personOf(client.provider, granted.claims);
    await disabled.look();
    if (await disabled.has(person.user))
      throw new SignInFailure('user_disabled', `user ${person.user} is disabled: POST /api/v1/users/enable`);
    const now = clock.now();
    const secret = randomBytes(32).toString('base64url');
    const key = { owner: ownerOf(person.user), hash: sha256Hex(secret) };
    await store.signIns.put(key, {
      user: person.user,
      provider: client.provider.id,
      name: person.name,
      groups: [...person.groups],
      admin: person.admin,
      createdAt: now,
      seenAt: now,
      ends: now + config.signIn.lifetimeMs,
      expires: now + Math.min(config.signIn.idleMs, config.signIn.lifetimeMs),
      ...this.#kept(granted, secret),
      address: clients.address(request).slice(0, 64),
      browser: shortened(request.headers['user-agent'] ?? '', 200),
    });
    return { cookie: `${key.owner}.${secret}`, user: person.user };
  }

  /**
   * The user whose cookie comes with a request of the page; undefined without a cookie. Rejects with `unauthenticated`, and with
   * `origin_refused` for a change that a page of another origin asks for.
   */
  async authenticate(request: IncomingMessage, log: FastifyBaseLogger): Promise<AuthenticatedUser | undefined> {
    const cookie = this.#deps.cookies.read(request, this.#deps.cookies.session);
    if (cookie === undefined) return undefined;
    this.#requireOwnPage(request);
    const [, owner, secret] = COOKIE.exec(cookie) ?? [];
    if (owner === undefined || secret === undefined) throw signedOut('the cookie of the sign-in is damaged');
    const key = { owner, hash: sha256Hex(secret) };
    const found = await this.#deps.store.signIns.get(key);
    const now = this.#deps.clock.now();
    if (found === undefined || found.expires <= now) throw signedOut('your sign-in has ended');
    const client = this.#deps.providers.get(found.provider);
    if (client === undefined) throw signedOut(`the provider ${found.provider} is no longer in the hub's settings`);
    const record = await this.#confirmed(client, { key, secret, record: await this.#noted(key, found, now) }, log);
    return { id: record.user, admin: record.admin, expires: record.expires, signIn: { key, secret, record } };
  }

  /** Ends the sign-in; the provider's page that signs the user out there, too; undefined: there is none, or it does not answer. */
  async end({ key, secret, record }: CurrentSignIn, log: FastifyBaseLogger): Promise<URL | undefined> {
    await this.#deps.store.signIns.remove(key.owner, [key.hash]);
    try {
      const { idToken } = JSON.parse(unsealed(record.tokens, secret)) as Tokens;
      return await this.#deps.providers.get(record.provider)?.signOutUrl(idToken);
    } catch (error) {
      log.warn({ err: error, provider: record.provider }, 'provider without a page to sign out');
      return undefined;
    }
  }

  /**
   * Only the hub's own page may use the cookie: its requests have a header that forms, pictures and links can't send, and a change names the
   * page's origin. Pages of ALLOWED_ORIGINS use tokens.
   */
  #requireOwnPage({ headers, method }: IncomingMessage): void {
    const own = new URL(this.#deps.config.publicUrl!).origin;
    const { origin } = headers;
    const reads = method === 'GET' || method === 'HEAD';
    if (origin === undefined ? !reads : origin !== own)
      throw new StreamSpaceError(
        'origin_refused',
        `with a sign-in only pages of ${own} (PUBLIC_URL) may ask for this, and a change names its Origin: programs send a token`,
      );
    if (headers[PAGE_HEADER] === undefined)
      throw signedOut(`a request with the cookie of a sign-in has the header ${PAGE_HEADER}, as the page sends it`);
  }

  /** Notes the use, once a minute. */
  async #noted(key: SignInKey, record: SignInRecord, now: number): Promise<SignInRecord> {
    if (now - record.seenAt < NOTE_MS) return record;
    const next = { ...record, seenAt: now, expires: Math.min(record.ends, now + this.#deps.config.signIn.idleMs) };
    // if another request has changed it meanwhile, that one has noted it
    return (await this.#deps.store.signIns.replace(key, record, next)) ? next : record;
  }

  /** The sign-in, with the provider's word of today. */
  async #confirmed(
    client: ProviderClient,
    { key, secret, record }: CurrentSignIn,
    log: FastifyBaseLogger,
  ): Promise<SignInRecord> {
    const { store, clock, config } = this.#deps;
    const { freshUntil } = record;
    if (freshUntil === null || clock.now() < freshUntil - AHEAD_MS) return record;
    if (await store.signIns.claimRefresh(key, REFRESH_MS)) {
      try {
        return await this.#refreshed(client, key, secret, record);
      } catch (error) {
        const { problem, message } = error as SignInFailure;
        log.warn({ problem, reason: message, provider: record.provider, user: record.user }, 'sign-in not refreshed');
        if (problem === 'provider_refused' || problem === 'no_role' || problem === 'user_missing') {
          await store.signIns.remove(key.owner, [key.hash]);
          throw signedOut('the provider has ended your sign-in, or it gives you no role any more');
        }
      }
    }
    if (clock.now() < freshUntil + config.signIn.idleMs) return record;
    throw signedOut('the provider has not confirmed your sign-in for too long');
  }

  async #refreshed(
    client: ProviderClient,
    key: SignInKey,
    secret: string,
    record: SignInRecord,
  ): Promise<SignInRecord> {
    const { idToken, refreshToken } = JSON.parse(unsealed(record.tokens, secret)) as Tokens;
    const subject = subjectOf(idToken);
    const granted = await client.refresh(refreshToken!, { idToken, subject });
    const person = personOf(client.provider, granted.claims);
    if (person.user !== record.user) throw new SignInFailure('user_missing', 'the provider names another user now');
    const { name, admin } = person;
    const change = { name, admin, groups: [...person.groups], ...this.#kept(granted, secret) };
    // the old refresh token may be void: the new one must be kept, whatever other requests note meanwhile
    for (let now: SignInRecord | undefined = record; now !== undefined; now = await this.#deps.store.signIns.get(key)) {
      const next: SignInRecord = { ...now, ...change };
      if (await this.#deps.store.signIns.replace(key, now, next)) return next;
    }
    throw signedOut('your sign-in has ended');
  }

  #kept(granted: Granted, secret: string): Pick<SignInRecord, 'tokens' | 'freshUntil'> {
    const { idToken, refreshToken, lastsMs } = granted;
    return {
      tokens: sealed(JSON.stringify({ idToken, refreshToken } satisfies Tokens), secret, this.#deps.randomBytes(12)),
      freshUntil: refreshToken === undefined || lastsMs === undefined ? null : this.#deps.clock.now() + lastsMs,
    };
  }
}

/** `sub` of an ID token that was checked when it came. */
const subjectOf = (idToken: string): string =>
  (JSON.parse(Buffer.from(idToken.split('.')[1]!, 'base64url').toString('utf8')) as { sub: string }).sub;
