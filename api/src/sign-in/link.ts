import { parseArgs } from 'node:util';
import { type Clock, dateAt, iso } from 'clock-port';
import {
  ConfigError,
  duration,
  type Environment,
  HUB,
  publicUrl as urlKind,
  readSettings,
} from '@streamspace/settings';
import { SignJWT } from 'jose';
import { CommandError, usage } from '../command-error.ts';

/** Validity of a link; bounded, because only a new JWT_SECRET revokes it. */
const LIFE = duration(60_000, 86_400_000);
const DEFAULT_LIFE = '8h';

const USAGE = `hub link --user NAME [--admin] [--for ${DEFAULT_LIFE}] [--url URL] [--first-desktop HUB]

Prints a link that signs the user in. For the first steps: an identity provider (JWT_JWKS_URL) replaces it.
  --user NAME   who it is for: the owner of the sessions
  --admin       with an admin's rights
  --for TIME    how long it is good for, ${LIFE.takes} (${DEFAULT_LIFE})
  --url URL     where browsers reach the hub, by default PUBLIC_URL
  --first-desktop HUB   makes a desktop for them at this hub, such as http://hub:8080, unless they have a session`;

function optionsOf(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        user: { type: 'string' },
        admin: { type: 'boolean', default: false },
        for: { type: 'string', default: DEFAULT_LIFE },
        url: { type: 'string' },
        'first-desktop': { type: 'string' },
      },
    }).values;
  } catch (error) {
    throw usage(`${(error as Error).message}\n\n${USAGE}`);
  }
}

/** The parsed value, or {@link CommandError} with `takes`. */
function option<T>(name: string, given: string, kind: { takes: string; parse(text: string): T | undefined }): T {
  const read = kind.parse(given);
  if (read === undefined)
    throw usage(`--${name}: takes ${kind.takes}; given was ${JSON.stringify(given.slice(0, 200))}`);
  return read;
}

const USER = {
  takes: 'a name of 1 to 256 characters',
  parse: (name: string) => (name !== '' && name.length <= 256 && name.isWellFormed() ? name : undefined),
};

/** A desktop that the caller is to make: where, and as whom. */
export interface FirstDesktop {
  readonly hub: string;
  readonly token: string;
}

/**
 * A link to the page that signs a user in, made with the hub's own settings, and lines of advice for it. Rejects with
 * {@link CommandError}, or {@link ConfigError}.
 */
export async function signInLink(
  args: readonly string[],
  env: Environment,
  clock: Clock,
): Promise<{ link: string; advice: string[]; first?: FirstDesktop }> {
  const given = optionsOf(args);
  if (given.user === undefined) throw usage(`--user is missing\n\n${USAGE}`);
  const user = option('user', given.user, USER);
  const wished = option('for', given.for, LIFE);
  const url = given.url === undefined ? undefined : option('url', given.url, urlKind);
  const asked = given['first-desktop'];
  const hub = asked === undefined ? undefined : option('first-desktop', asked, urlKind);

  const { values, problems } = readSettings(HUB, env);
  if (problems.length > 0) throw new ConfigError(problems);
  const { jwtSecret, jwtIssuer, jwtAudience, jwtMaxAge, publicUrl, hubService } = values;
  if (jwtSecret === undefined)
    throw new CommandError(
      values.jwtJwksUrl === undefined
        ? 'JWT_SECRET is not set here, so the link can not be signed: run it where the hub runs'
        : 'users sign in at the issuer of JWT_JWKS_URL, the only one that this hub trusts: open its page',
    );

  const now = clock.now();
  const ends = now + Math.min(wished, jwtMaxAge ?? wished);
  const token = new SignJWT({ roles: given.admin ? ['admin', 'user'] : ['user'] })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(user)
    .setIssuedAt(dateAt(now))
    .setExpirationTime(dateAt(ends));
  if (jwtIssuer !== undefined) token.setIssuer(jwtIssuer);
  if (jwtAudience !== undefined) token.setAudience(jwtAudience);
  const signed = await token.sign(new TextEncoder().encode(jwtSecret[0]));

  const advice = [
    `It signs in ${given.admin ? 'the admin' : 'the user'} ${JSON.stringify(user)} until ${iso(ends)}; anyone with the link can use it.`,
  ];
  let at = url ?? publicUrl;
  if (at === undefined) {
    at = `http://localhost:${hubService === undefined ? values.port : FORWARDED}`;
    advice.push(
      hubService === undefined
        ? 'PUBLIC_URL is not set: the link is for this machine; --url names another address.'
        : `PUBLIC_URL is not set: forward a port to the hub, and leave that running (or name where browsers reach it by --url):
  kubectl -n ${hubService.namespace} port-forward service/${hubService.name} ${FORWARDED}:${hubService.port}`,
    );
  }
  return { link: `${at}/#token=${signed}`, advice, ...(hub !== undefined && { first: { hub, token: signed } }) };
}

/** The port of the reader's machine. */
const FORWARDED = 8080;
