import { StreamSpaceError } from '@streamspace/protocol';
import { type Clock, dateAt } from 'clock-port';
import { errors, type JWTPayload } from 'jose';
import type { HubConfig } from '../config.ts';
import type { SignInKey, SignInRecord } from '../store/store.ts';
import { tokenKeys } from './token-keys.ts';

/** A request's sign-in. */
export interface CurrentSignIn {
  readonly key: SignInKey;
  /** In the cookie; the store has its hash. */
  readonly secret: string;
  readonly record: SignInRecord;
}

/** Who a request is from, as their token or sign-in says [AUTH1]. */
export interface AuthenticatedUser {
  readonly id: string;
  readonly admin: boolean;
  /** When the token ends, milliseconds since 1970; of a sign-in without further use. */
  readonly expires: number;
  /** Of a person in a browser; without: a token. */
  readonly signIn?: CurrentSignIn;
}

/** The user of a bearer token; rejects with `unauthenticated` (which token would do), or `forbidden` without a role. */
export type UserAuth = (bearer: string | undefined) => Promise<AuthenticatedUser>;

/** Seconds by which the issuer's clock may differ from ours. */
const SKEW = 5;

const refused = (why: string, cause?: unknown) =>
  new StreamSpaceError(
    'unauthenticated',
    `${why}: send a valid token as \`Authorization: Bearer <JWT>\``,
    {},
    { cause },
  );

/** What is wrong with the token. Whatever a token can bring about is its sender's to mend: nothing of it is an error of ours. */
function why(error: unknown): StreamSpaceError {
  if (error instanceof errors.JWTExpired)
    return refused(error.claim === 'iat' ? 'the token is older than JWT_MAX_AGE' : 'the token has expired', error);
  if (error instanceof errors.JWTClaimValidationFailed)
    return refused(`the token's \`${error.claim}\` is not accepted (${error.reason})`, error);
  if (error instanceof errors.JWSSignatureVerificationFailed || error instanceof errors.JWKSNoMatchingKey)
    return refused('the token is not signed by a key of the issuer', error);
  if (error instanceof errors.JOSEAlgNotAllowed)
    return refused('the token is signed with an algorithm that is not accepted', error);
  if (error instanceof errors.JOSENotSupported)
    return refused("the token's header has extensions (`crit`, `b64`) that are not known here", error);
  return refused('the token is no JWT', error);
}

function userOf(claims: JWTPayload, maxAgeMs: number | undefined): AuthenticatedUser {
  const { sub, exp, iat, roles } = claims;
  if (typeof sub !== 'string' || sub.length === 0 || sub.length > 256)
    throw refused('the token has no `sub` of 1 to 256 characters');
  // as UTF-8 it would be the same as another user's: in names of homes, in the store
  if (!sub.isWellFormed())
    throw refused("the token's `sub` is not well-formed Unicode (it has half of a surrogate pair)");
  const held = (Array.isArray(roles) ? roles : [roles]) as unknown[];
  const admin = held.includes('admin');
  if (!admin && !held.includes('user')) {
    throw new StreamSpaceError(
      'forbidden',
      `user ${sub} has no role here: the token's \`roles\` must hold \`user\` or \`admin\``,
    );
  }
  const ends = exp! * 1_000;
  return { id: sub, admin, expires: maxAgeMs === undefined ? ends : Math.min(ends, iat! * 1_000 + maxAgeMs) };
}

/** Checks users' tokens as configured. */
export function userAuth({ jwt }: Pick<HubConfig, 'jwt'>, clock: Clock): UserAuth {
  const verify = tokenKeys(jwt);
  const { issuer, audience, maxAgeMs } = jwt;

  return async (bearer) => {
    if (bearer === undefined) throw refused('no token');
    try {
      const claims = await verify(bearer, {
        requiredClaims: ['sub', 'exp'],
        clockTolerance: SKEW,
        currentDate: dateAt(clock.now()),
        ...(issuer !== undefined && { issuer }),
        ...(audience !== undefined && { audience }),
        ...(maxAgeMs !== undefined && { maxTokenAge: maxAgeMs / 1_000 }),
      });
      return userOf(claims, maxAgeMs);
    } catch (error) {
      throw error instanceof StreamSpaceError ? error : why(error);
    }
  };
}
