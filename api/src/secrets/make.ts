import { type Clock, sleep } from 'clock-port';
import { ConfigError, HUB, type Kind } from '@streamspace/settings';
import { CommandError, usage } from '../command-error.ts';
import { type ApiServer, ApiServerError } from './api-server.ts';

/** Longest wait for Secrets, Role and API server, milliseconds: they may be starting, or be applied one by one. */
const PATIENCE_MS = 60_000;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 3_000;

interface Makeable {
  readonly kind: Kind<unknown>;
  /** Prefix of a new value. */
  readonly prefix: string;
  /** The chart's value that names a user's own Secret. */
  readonly value: string;
}

/** Settings that accept any random value. */
const MAKEABLE: Readonly<Record<string, Makeable>> = {
  [HUB.jwtSecret.name]: { kind: HUB.jwtSecret.kind, prefix: '', value: 'api.auth.existingSecret.name' },
  [HUB.hubPeerSecret.name]: { kind: HUB.hubPeerSecret.kind, prefix: '', value: 'api.peers.existingSecret.name' },
  [HUB.enrolmentToken.name]: { kind: HUB.enrolmentToken.kind, prefix: 'sse_', value: 'enrolment.existingSecret.name' },
};

interface Wish extends Makeable {
  readonly setting: string;
  readonly secret: string;
  readonly key: string;
}

export interface Makers {
  readonly server: () => Promise<ApiServer>;
  readonly clock: Clock;
  readonly randomBytes: (size: number) => Buffer;
  /** Writes a log line. */
  readonly tell: (line: string) => void;
}

/**
 * Makes the missing values of `SETTING=SECRET/KEY`: an existing value stays unchanged, and if several replicas find none, all use the first one's
 * value. Rejects with {@link CommandError}, with {@link ConfigError} if an existing value is invalid for the
 * setting, or with an error that names the Secret and the remedy.
 */
export async function makeSecrets(
  args: readonly string[],
  { server, clock, randomBytes, tell }: Makers,
): Promise<void> {
  const wishes = args.map(wishOf);
  if (wishes.length === 0) throw usage('which ones? e.g. hub secrets JWT_SECRET=streamspace-api-auth/jwt-secret');
  const api = await server();
  const until = clock.monotonic() + PATIENCE_MS;
  for (const wish of wishes) {
    const { setting, secret, key, prefix } = wish;
    const value = prefix + randomBytes(32).toString('base64url');
    const made = await patiently(clock, until, tell, api.namespace, wish, () => fill(api, wish, value));
    tell(`${setting}: ${made ? 'made' : 'is there already'}: key ${key} of Secret ${api.namespace}/${secret}`);
  }
}

function wishOf(text: string): Wish {
  const [, setting = '', secret = '', key = ''] =
    /^([A-Z_]+)=([a-z0-9.-]{1,253})\/([-._a-zA-Z0-9]{1,253})$/.exec(text) ?? [];
  const makeable = MAKEABLE[setting];
  if (makeable === undefined)
    throw usage(
      `${JSON.stringify(text.slice(0, 200))}: takes SETTING=SECRET/KEY, where SETTING is one of ${Object.keys(MAKEABLE).join(', ')}`,
    );
  return { ...makeable, setting, secret, key };
}

/** Whether the Secret got this value. */
async function fill(api: ApiServer, { setting, secret, key, kind }: Wish, value: string): Promise<boolean> {
  for (;;) {
    const found = await api.get(secret);
    const present = Buffer.from(found.data?.[key] ?? '', 'base64').toString();
    if (present !== '') {
      if (kind.parse(present) !== undefined) return false;
      const message = `${setting}: takes ${kind.takes}; key ${key} of Secret ${api.namespace}/${secret} has ${present.length} characters of another form: set a valid value, or remove the key so that the hub makes one`;
      throw new ConfigError([{ name: setting, message }]);
    }
    try {
      await api.set(found, key, value);
      return true;
    } catch (error) {
      // another replica, or a person, was first
      if (!(error instanceof ApiServerError) || error.code !== 409) throw error;
    }
  }
}

/** Retries until the deadline; logs each new reason once. */
async function patiently<T>(
  clock: Clock,
  until: number,
  tell: (line: string) => void,
  namespace: string,
  wish: Wish,
  step: () => Promise<T>,
): Promise<T> {
  let last = '';
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    try {
      return await step();
    } catch (error) {
      if (error instanceof ConfigError) throw error;
      const reason = why(error as Error, namespace, wish);
      if (clock.monotonic() + pause > until) throw new CommandError(reason);
      if (reason !== last) tell(`${reason}; trying again`);
      last = reason;
      await sleep(clock, pause);
    }
  }
}

function why(error: Error, namespace: string, { secret, value }: Wish): string {
  const what = `Secret ${namespace}/${secret}: ${error.message}`;
  const own = `name your own Secret in ${value}`;
  switch (error instanceof ApiServerError ? error.code : 0) {
    case 401:
    case 403:
      return `${what}. The hub's ServiceAccount needs a Role with the verbs get and patch on this one, as the chart makes it; or ${own}`;
    case 404:
      return `${what}. The chart makes it, without data: apply all of it; or ${own}`;
    default:
      return `${what}. The API server has to be reached from this pod (NetworkPolicies, a proxy's sidecar that starts later); or ${own}`;
  }
}
