import type { Provider } from './providers.ts';
import { SignInFailure } from './failure.ts';

const MAX_USER = 256;
const MAX_GROUPS = 200;
const MAX_GROUP = 256;

/** Who signed in, by the rules of the settings. */
export interface Person {
  readonly user: string;
  readonly name: string;
  readonly groups: readonly string[];
  readonly admin: boolean;
}

/** Claims of an ID token and of the provider's userinfo: anything. */
export type ProviderClaims = Readonly<Record<string, unknown>>;

/** Applies a provider's rules to its claims. Throws {@link SignInFailure} `user_missing` or `no_role`. */
export function personOf({ claims: names, userPrefix, roles }: Provider, claims: ProviderClaims): Person {
  const [id] = textsOf(claims, names.user);
  const user = id === undefined ? undefined : `${userPrefix}${id}`;
  if (user === undefined || user.length > MAX_USER)
    throw new SignInFailure(
      'user_missing',
      `claim ${names.user} has no text for a user id${names.user === 'email' && claims['email'] !== undefined ? ', as email_verified is not true' : ''}`,
    );
  const held = new Set(
    roles
      .filter(
        ({ claim, values }) => claim === undefined || textsOf(claims, claim).some((each) => values!.includes(each)),
      )
      .map(({ role }) => role),
  );
  if (held.size === 0) throw new SignInFailure('no_role', `no rule of the provider's roles gives one to user ${user}`);
  return {
    user,
    name: (textsOf(claims, names.name)[0] ?? user).slice(0, MAX_USER).toWellFormed(),
    groups: textsOf(claims, names.groups)
      .filter((group) => group.length <= MAX_GROUP)
      .slice(0, MAX_GROUPS),
    admin: held.has('admin'),
  };
}

/** The texts of a claim: well-formed ones, not empty, not more than a list of them. An address that nobody verified is none. */
function textsOf(claims: ProviderClaims, name: string): string[] {
  if (name === 'email' && claims['email_verified'] !== true) return [];
  return [valueAt(claims, name)]
    .flat()
    .map((each) => (typeof each === 'number' || typeof each === 'boolean' ? String(each) : each))
    .filter((each): each is string => typeof each === 'string' && each !== '' && each.isWellFormed());
}

/** By the whole name, or else step by step at its dots. Only what the claims themselves have. */
function valueAt(claims: ProviderClaims, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  let found: unknown = claims;
  for (const step of name.split('.')) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, step)) return undefined;
    found = (found as ProviderClaims)[step];
  }
  return found;
}
