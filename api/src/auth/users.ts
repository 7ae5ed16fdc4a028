import { StreamSpaceError } from '@streamspace/protocol';
import { type Clock, dateAt } from 'clock-port';
import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify, type JWTVerifyGetKey } from 'jose';
import type { Config } from '../config.ts';

export type Role = 'admin' | 'user';

/** Who a request is from, as their token says [AUTH1]. */
export interface User {
  readonly id: string;
  readonly admin: boolean;
  /** When the token ends, milliseconds since 1970. */
  readonly expires: number;
}

/** The user of a bearer token; rejects with `unauthenticated` (which token would do), or `forbidden` without a role. */
export type UserAuth = (bearer: string | undefined) => Promise<User>;

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
/** Seconds by which the issuer's clock may differ from ours. */
const SKEW = 5;

const refused = (why: string, cause?: unknown) =>
  new StreamSpaceError(
    'unauthenticated',
    `${why}: send a valid token as \`Authorization: Bearer <JWT>\``,
    {},
    { cause },
  );

function why(error: unknown): StreamSpaceError {
  if (error instanceof errors.JWTExpired) return refused('the token has expired', error);
  if (error instanceof errors.JWTClaimValidationFailed)
    return refused(`the token's \`${error.claim}\` is not accepted (${error.reason})`, error);
  if (error instanceof errors.JWKSTimeout) return unreachable(error);
  if (error instanceof errors.JWSSignatureVerificationFailed || error instanceof errors.JWKSNoMatchingKey) {
    return refused('the token is not signed by a key of the issuer', error);
  }
  if (error instanceof errors.JOSEAlgNotAllowed)
    return refused('the token is signed with an algorithm that is not accepted', error);
  if (error instanceof errors.JWTInvalid || error instanceof errors.JWSInvalid)
    return refused('the token is no JWT', error);
  // what is left comes from fetching the keys
  return unreachable(error);
}

const unreachable = (cause: unknown) =>
  new StreamSpaceError('internal', "the issuer's keys (JWT_JWKS_URL) can't be read now: try again", {}, { cause });

function userOf(claims: JWTPayload): User {
  const { sub, exp, roles } = claims;
  if (typeof sub !== 'string' || sub.length === 0 || sub.length > 256)
    throw refused('the token has no `sub` of 1 to 256 characters');
  const held = (Array.isArray(roles) ? roles : [roles]) as unknown[];
  const admin = held.includes('admin');
  if (!admin && !held.includes('user')) {
    throw new StreamSpaceError(
      'forbidden',
      `user ${sub} has no role here: the token's \`roles\` must hold \`user\` or \`admin\``,
    );
  }
  return { id: sub, admin, expires: exp! * 1_000 };
}

/** Checks users' tokens as configured. Keys of JWT_JWKS_URL are fetched when first needed, and again when one is unknown. */
export function userAuth({ jwt }: Pick<Config, 'jwt'>, clock: Clock): UserAuth {
  const secret = jwt.secret === undefined ? undefined : new TextEncoder().encode(jwt.secret);
  const keys: Uint8Array | JWTVerifyGetKey =
    secret ?? createRemoteJWKSet(new URL(jwt.jwksUrl!), { timeoutDuration: 5_000, cooldownDuration: 10_000 });
  const algorithms = secret ? ['HS256'] : ASYMMETRIC;

  return async (bearer) => {
    if (bearer === undefined) throw refused('no token');
    const options = {
      algorithms,
      requiredClaims: ['sub', 'exp'],
      clockTolerance: SKEW,
      currentDate: dateAt(clock.now()),
      ...(jwt.issuer !== undefined && { issuer: jwt.issuer }),
      ...(jwt.audience !== undefined && { audience: jwt.audience }),
    };
    try {
      const { payload } = await (keys instanceof Uint8Array
        ? jwtVerify(bearer, keys, options)
        : jwtVerify(bearer, keys, options));
      return userOf(payload);
    } catch (error) {
      throw error instanceof StreamSpaceError ? error : why(error);
    }
  };
}
