import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { CLIENT } from './real-provider.ts';

/** What a provider does wrong. */
export interface Faults {
  /** Seconds by which its clock is ahead. */
  ahead?: number;
  /** Claims in place of the right ones. */
  claims?: Record<string, unknown>;
  /** Signs with a key that it does not publish. */
  otherKey?: boolean;
  /** Status, and JSON, of an endpoint in place of its answer. */
  answers?: Record<string, { status: number; body?: object; headers?: Record<string, string> }>;
  /** Of its metadata. */
  metadata?: Record<string, unknown>;
  /** Parameters with which it sends the browser back, in place of a code. */
  back?: Record<string, string>;
}

/** The least of a provider, with faults that a real one does not show on request. Everybody is `ann`. */
export class FaultyProvider {
  faults: Faults = {};
  /** Of the last request. */
  #nonce = '';
  readonly #server: Server;
  readonly #keys: { published: CryptoKey; jwk: object; other: CryptoKey };

  private constructor(server: Server, keys: { published: CryptoKey; jwk: object; other: CryptoKey }) {
    this.#server = server;
    this.#keys = keys;
  }

  static async start(): Promise<FaultyProvider> {
    const [published, other] = [await generateKeyPair('ES256'), await generateKeyPair('ES256')];
    const jwk = { ...(await exportJWK(published.publicKey)), alg: 'ES256', use: 'sig', kid: 'now' };
    const server = createServer((request, response) => void provider.#answer(request, response));
    const provider = new FaultyProvider(server, { published: published.privateKey, jwk, other: other.privateKey });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return provider;
  }

  get issuer(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer({ url }: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(url!, this.issuer);
    const json = (body: object, status = 200, headers: Record<string, string> = {}) =>
      void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
    const instead = this.faults.answers?.[pathname];
    if (instead !== undefined) return json(instead.body ?? {}, instead.status, instead.headers);
    switch (pathname) {
      case '/.well-known/openid-configuration':
        return json({
          issuer: this.issuer,
          authorization_endpoint: `${this.issuer}/auth`,
          token_endpoint: `${this.issuer}/token`,
          jwks_uri: `${this.issuer}/jwks`,
          id_token_signing_alg_values_supported: ['ES256'],
          response_types_supported: ['code'],
          ...this.faults.metadata,
        });
      case '/jwks':
        return json({ keys: [this.#keys.jwk] });
      case '/auth': {
        const back = new URL(searchParams.get('redirect_uri')!);
        const query = { state: searchParams.get('state')!, ...(this.faults.back ?? { code: 'a-code' }) };
        for (const [name, value] of Object.entries(query)) back.searchParams.set(name, value);
        this.#nonce = searchParams.get('nonce')!;
        return void response.writeHead(302, { location: back.href }).end();
      }
      case '/token':
        return json({ access_token: 'x', token_type: 'bearer', id_token: await this.#idToken() });
      default:
        return json({ error: 'not_found' }, 404);
    }
  }

  #idToken(): Promise<string> {
    const { ahead = 0, claims = {}, otherKey = false } = this.faults;
    const now = Math.floor(Date.now() / 1_000) + ahead;
    return new SignJWT({
      iss: this.issuer,
      sub: 'ann',
      aud: CLIENT.id,
      iat: now,
      nbf: now,
      exp: now + 300,
      nonce: this.#nonce,
      groups: ['staff'],
      ...claims,
    })
      .setProtectedHeader({ alg: 'ES256', kid: otherKey ? 'another' : 'now' })
      .sign(otherKey ? this.#keys.other : this.#keys.published);
  }
}
