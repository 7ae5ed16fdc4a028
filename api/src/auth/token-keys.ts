import { StreamSpaceError } from '@streamspace/protocol';
import {
  createRemoteJWKSet,
  type CryptoKey,
  errors,
  type JWTPayload,
  jwtVerify,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
} from 'jose';
import type { HubConfig } from '../config.ts';

/** Checks the signature and the claims of a token. Rejects with jose's error when the token is at fault, with a {@link StreamSpaceError} when the keys are. */
export type TokenKeys = (token: string, options: JWTVerifyOptions) => Promise<JWTPayload>;

const ASYMMETRIC = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
/** Keys of the issuer that a token without a `kid` is tried with: each costs a verification. */
const MAX_TRIED = 16;

type Key = Uint8Array | CryptoKey;

/** The keys of the configuration. Those of JWT_JWKS_URL are fetched when first needed, and again when one is unknown. */
export function tokenKeys({ secrets, jwksUrl }: HubConfig['jwt']): TokenKeys {
  if (secrets.length > 0) {
    const keys = secrets.map((secret) => new TextEncoder().encode(secret));
    return (token, options) => withEach(keys, token, { ...options, algorithms: ['HS256'] });
  }
  const fetched = createRemoteJWKSet(new URL(jwksUrl!), { timeoutDuration: 5_000, cooldownDuration: 10_000 });
  const keyFor: JWTVerifyGetKey = async (header, token) => {
    try {
      return await fetched(header, token);
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) throw error;
      throw new StreamSpaceError(
        'internal',
        "the issuer's keys (JWT_JWKS_URL) can't be read now: try again",
        {},
        { cause: error },
      );
    }
  };
  return async (token, given) => {
    const options = { ...given, algorithms: ASYMMETRIC };
    try {
      return (await jwtVerify(token, keyFor, options)).payload;
    } catch (error) {
      // it names no key, and several of the set might be meant
      if (error instanceof errors.JWKSMultipleMatchingKeys) return withEach(error, token, options);
      throw error;
    }
  };
}

/** With the first key whose signature it is. */
async function withEach(
  keys: Iterable<Key> | AsyncIterable<Key>,
  token: string,
  options: JWTVerifyOptions,
): Promise<JWTPayload> {
  let refusal: unknown = new errors.JWKSNoMatchingKey();
  let tried = 0;
  for await (const key of keys) {
    if (++tried > MAX_TRIED) break;
    try {
      return (await jwtVerify(token, key, options)).payload;
    } catch (error) {
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error;
      refusal = error;
    }
  }
  throw refusal;
}
