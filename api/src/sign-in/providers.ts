import { readFile } from 'node:fs/promises';
import { SignInProvider } from '@streamspace/protocol';
import { ConfigError } from '@streamspace/settings';
import Type from 'typebox';
import { Compile } from 'typebox/compile';

const Providers = Compile(Type.Array(SignInProvider, { maxItems: 20 }));

/** A provider with its defaults. */
export interface Provider {
  readonly id: string;
  readonly name: string;
  readonly issuer: URL;
  readonly clientId: string;
  /** Undefined: a public client. */
  readonly clientSecret: string | undefined;
  /** Separated by spaces; `openid` is among them. */
  readonly scope: string;
  readonly claims: { readonly user: string; readonly name: string; readonly groups: string };
  readonly userPrefix: string;
  readonly roles: SignInProvider['roles'];
}

/**
 * The providers of OIDC_PROVIDERS_FILE, whose text `read` gives. Rejects with {@link ConfigError}, which names every problem of the file, and of
 * `secrets` (OIDC_CLIENT_SECRETS).
 */
export async function readProviders(
  path: string,
  secrets: ReadonlyMap<string, string>,
  read: (path: string) => Promise<string> = (file) => readFile(file, 'utf8'),
): Promise<Provider[]> {
  const name = 'OIDC_PROVIDERS_FILE';
  const refuse = (problems: readonly string[]) =>
    new ConfigError(problems.map((problem) => ({ name, message: `${name} ${path}: ${problem}` })));
  let parsed: unknown;
  try {
    parsed = JSON.parse(await read(path));
  } catch (error) {
    throw refuse([`can't be read as JSON (${(error as Error).message})`]);
  }
  if (!Providers.Check(parsed))
    throw refuse(
      Providers.Errors(parsed).map(({ instancePath, message }) => `${instancePath || 'the file'} ${message}`),
    );
  const providers = parsed.map((given) => withDefaults(given, secrets.get(given.id)));
  const problems = [...parsed.flatMap(rulesOf), ...together(providers)];
  for (const id of secrets.keys())
    if (!providers.some((each) => each.id === id))
      problems.push(`has no provider ${id}, for which OIDC_CLIENT_SECRETS has a secret: correct one of the two`);
  if (problems.length > 0) throw refuse(problems);
  return providers;
}

function withDefaults(given: SignInProvider, clientSecret: string | undefined): Provider {
  const { id, name, issuer, client_id: clientId, scopes = ['profile', 'email'], claims, user_prefix, roles } = given;
  return {
    id,
    name,
    // the pattern can't say that a port is one
    issuer: URL.canParse(issuer) ? new URL(issuer) : new URL('https://invalid.invalid'),
    clientId,
    clientSecret,
    scope: [...new Set(['openid', ...scopes])].join(' '),
    claims: { user: claims?.user ?? 'sub', name: claims?.name ?? 'name', groups: claims?.groups ?? 'groups' },
    userPrefix: user_prefix ?? `${id}:`,
    roles,
  };
}

function rulesOf({ id, issuer, roles }: SignInProvider): string[] {
  return [
    ...(URL.canParse(issuer) ? [] : [`provider ${id}: the issuer is no URL: its port is from 1 to 65535`]),
    ...roles.flatMap(({ role, claim, values }, at) =>
      (claim === undefined) === (values === undefined)
        ? []
        : [`provider ${id}: roles[${at}] (${role}) has one of claim and values: give both, or none for everybody`],
    ),
  ];
}

/** What two providers may not have in common: one must not be able to name a user of the other. */
function together(providers: readonly Provider[]): string[] {
  return providers.flatMap((one, at) =>
    providers
      .slice(at + 1)
      .flatMap((other) => [
        ...(one.id === other.id ? [`two providers have the id ${one.id}: give each its own`] : []),
        ...(one.userPrefix.startsWith(other.userPrefix) || other.userPrefix.startsWith(one.userPrefix)
          ? [
              `providers ${one.id} and ${other.id}: one's user_prefix begins with the other's, so that one could name the other's users: choose others`,
            ]
          : []),
      ]),
  );
}
