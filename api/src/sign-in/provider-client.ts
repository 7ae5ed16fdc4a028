import type { Clock } from 'clock-port';
import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  buildAuthorizationUrlWithPAR,
  buildEndSessionUrl,
  calculatePKCECodeChallenge,
  ClientSecretBasic,
  ClientSecretPost,
  Configuration,
  discovery,
  enableNonRepudiationChecks,
  fetchUserInfo,
  None,
  refreshTokenGrant,
  type ServerMetadata,
  type TokenEndpointResponse,
  type TokenEndpointResponseHelpers,
} from 'openid-client';
import { failureOf } from './failure.ts';
import type { ProviderClaims } from './person.ts';
import type { Provider } from './providers.ts';

/** Seconds for an answer of a provider. */
const ANSWER_S = 5;
/** Milliseconds for which what a provider says of itself is kept. */
const METADATA_MS = 3_600_000;

/** What a provider gave. */
export interface Granted {
  readonly claims: ProviderClaims;
  readonly idToken: string;
  readonly refreshToken: string | undefined;
  /** Milliseconds for which it counts; undefined: the provider does not say. */
  readonly lastsMs: number | undefined;
}

/** One provider, as its client uses it. Every method rejects with a `SignInFailure`. */
export class ProviderClient {
  readonly provider: Provider;
  readonly #redirectUri: string;
  readonly #afterSignOut: string;
  readonly #clock: Clock;
  #known: { metadata: ServerMetadata; at: number } | undefined;

  constructor(provider: Provider, clock: Clock, urls: { redirectUri: string; afterSignOut: string }) {
    this.provider = provider;
    this.#clock = clock;
    this.#redirectUri = urls.redirectUri;
    this.#afterSignOut = urls.afterSignOut;
  }

  /** Where the browser goes. A provider that takes pushed requests tells here already what is wrong with the client or the redirect URI. */
  begin(checks: { state: string; nonce: string; verifier: string }): Promise<URL> {
    return this.#do(async (config, { pushed_authorization_request_endpoint: pushed }) => {
      const parameters = {
        redirect_uri: this.#redirectUri,
        scope: this.provider.scope,
        state: checks.state,
        nonce: checks.nonce,
        code_challenge: await calculatePKCECodeChallenge(checks.verifier),
        code_challenge_method: 'S256',
        // without it providers give no refresh token for `offline_access`
        ...(this.provider.scope.split(' ').includes('offline_access') && { prompt: 'consent' }),
      };
      return pushed === undefined
        ? buildAuthorizationUrl(config, parameters)
        : buildAuthorizationUrlWithPAR(config, parameters);
    });
  }

  /** Exchanges the code. `search`: the query with which the browser came back. */
  finish(search: string, checks: { state: string; nonce: string; verifier: string }): Promise<Granted> {
    return this.#do(async (config, metadata) => {
      const url = new URL(this.#redirectUri);
      url.search = search;
      const answer = await authorizationCodeGrant(config, url, {
        expectedState: checks.state,
        expectedNonce: checks.nonce,
        pkceCodeVerifier: checks.verifier,
        idTokenExpected: true,
      });
      return this.#granted(config, metadata, answer, answer.id_token!, answer.claims()!.sub);
    });
  }

  /** New tokens for a refresh token. `former`: the ID token that they were given with. */
  refresh(refreshToken: string, former: { idToken: string; subject: string }): Promise<Granted> {
    return this.#do(async (config, metadata) => {
      const answer = await refreshTokenGrant(config, refreshToken);
      const subject = answer.claims()?.sub ?? former.subject;
      if (subject !== former.subject) throw new Error('the provider answered for another user');
      const granted = await this.#granted(config, metadata, answer, answer.id_token ?? former.idToken, subject);
      return { ...granted, refreshToken: granted.refreshToken ?? refreshToken };
    });
  }

  /** Page of the provider that signs the user out there; undefined: it has none. */
  signOutUrl(idToken: string): Promise<URL | undefined> {
    return this.#do(async (config, metadata) =>
      metadata.end_session_endpoint === undefined
        ? undefined
        : buildEndSessionUrl(config, { id_token_hint: idToken, post_logout_redirect_uri: this.#afterSignOut }),
    );
  }

  /** Groups are often in one of the two only: the ID token or userinfo. */
  async #granted(
    config: Configuration,
    { userinfo_endpoint: userinfo }: ServerMetadata,
    answer: TokenEndpointResponse & TokenEndpointResponseHelpers,
    idToken: string,
    subject: string,
  ): Promise<Granted> {
    const more = userinfo === undefined ? {} : await fetchUserInfo(config, answer.access_token, subject);
    const seconds = answer.expiresIn();
    return {
      claims: { ...more, ...answer.claims(), sub: subject },
      idToken,
      refreshToken: answer.refresh_token,
      lastsMs: seconds === undefined ? undefined : seconds * 1_000,
    };
  }

  async #do<T>(step: (config: Configuration, metadata: ServerMetadata) => Promise<T>): Promise<T> {
    try {
      const metadata = await this.#metadata();
      return await step(this.#configuration(metadata), metadata);
    } catch (error) {
      throw failureOf(error);
    }
  }

  /** A new one for each step, and with it the provider's present keys: a key that was rotated a moment ago signs nobody out. */
  #configuration(metadata: ServerMetadata): Configuration {
    const { clientId, clientSecret } = this.provider;
    const methods = metadata.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
    const basic = methods.includes('client_secret_basic');
    const proof =
      clientSecret === undefined ? None() : basic ? ClientSecretBasic(clientSecret) : ClientSecretPost(clientSecret);
    const config = new Configuration(metadata, clientId, undefined, proof);
    config.timeout = ANSWER_S;
    enableNonRepudiationChecks(config);
    if (this.#plain) allowInsecureRequests(config);
    return config;
  }

  /** Without TLS: on this machine, which is all that the settings take. */
  get #plain(): boolean {
    return this.provider.issuer.protocol === 'http:';
  }

  async #metadata(): Promise<ServerMetadata> {
    const now = this.#clock.monotonic();
    if (this.#known !== undefined && now - this.#known.at < METADATA_MS) return this.#known.metadata;
    const found = await discovery(this.provider.issuer, this.provider.clientId, undefined, None(), {
      timeout: ANSWER_S,
      ...(this.#plain && { execute: [allowInsecureRequests] }),
    });
    const metadata = found.serverMetadata();
    this.#known = { metadata, at: now };
    return metadata;
  }
}
