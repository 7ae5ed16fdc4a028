import { createHash } from 'node:crypto';
import { chmod, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { AGENT, ConfigError, HUB, type Kind } from '@streamspace/settings';
import { usage } from '../command-error.ts';

export interface FileMakers {
  readonly randomBytes: (size: number) => Buffer;
  /** Writes a log line. */
  readonly tell: (line: string) => void;
}

/** Each program mounts only its own folder, so that its file may be readable for any user: nobody else sees it. */
const READABLE = 0o444;
const WRITABLE = 0o1777;
/** Users of the store. The agents' one reaches leases alone. */
const USERS = { hub: 'hub', agent: 'lease' } as const;
/** What the redis lock of the elector asks, on keys and channels of leases. */
const LEASE_RULES =
  '~{lease:* &{lease:* -@all +hmget +exists +hget +hset +hdel +hgetall +publish +subscribe +unsubscribe +eval +time +info +ping +client|setinfo';

const USAGE = `hub secret-files FOLDER STORE [DATA…]

Makes the secrets of an installation without Kubernetes, once: files for the hub (FOLDER/hub/env), the agent (FOLDER/agent/env) and a
Redis or Valkey (FOLDER/store/users.acl) at the address STORE (host:port). What is there stays. The folders DATA become writable for the
programs' users.`;

type Values = Readonly<Record<string, string | undefined>>;

/**
 * Makes what the files lack and writes them so that they agree with each other. Rejects with {@link CommandError}, or with
 * {@link ConfigError} if a file has a value that its setting does not take.
 */
export async function makeSecretFiles(args: readonly string[], { randomBytes, tell }: FileMakers): Promise<void> {
  const [folder, store, ...data] = args;
  if (folder === undefined || store === undefined || !/^[\w.-]+:\d{1,5}$/.test(store)) throw usage(USAGE);
  const files = {
    hub: join(folder, 'hub', 'env'),
    agent: join(folder, 'agent', 'env'),
    store: join(folder, 'store', 'users.acl'),
  };
  const [hub, agent] = await Promise.all([readEnv(files.hub), readEnv(files.agent)]);
  const fresh = (prefix = '') => prefix + randomBytes(32).toString('base64url');
  const kept = { secret: hub[HUB.jwtSecret.name], token: hub[HUB.enrolmentToken.name] };
  const passwords = {
    hub: passwordIn(hub[HUB.storeUrl.name]) ?? fresh(),
    agent: passwordIn(agent[AGENT.leaseLock.name]) ?? fresh(),
  };
  const token = kept.token ?? fresh('sse_');
  const address = (who: 'hub' | 'agent') => `redis://${USERS[who]}:${passwords[who]}@${store}`;
  const of = (path: string, pairs: readonly (readonly [{ name: string; kind: Kind<unknown> }, string])[]) => ({
    path,
    text: pairs.map(([setting, value]) => `${setting.name}=${checked(path, setting, value)}\n`).join(''),
  });
  const all = [
    of(files.hub, [
      [HUB.jwtSecret, kept.secret ?? fresh()],
      [HUB.enrolmentToken, token],
      [HUB.storeUrl, `${address('hub')}/0`],
    ]),
    of(files.agent, [
      [AGENT.agentToken, token],
      [AGENT.leaseLock, address('agent')],
    ]),
    {
      path: files.store,
      // without a password a client may only ask whether the store lives
      text: `user default on nopass resetkeys resetchannels -@all +ping
user ${USERS.hub} on #${sha256(passwords.hub)} ~* &* +@all
user ${USERS.agent} on #${sha256(passwords.agent)} ${LEASE_RULES}
`,
    },
  ];
  for (const { path, text } of all) tell(`${path}: ${(await write(path, text)) ? 'written' : 'is there already'}`);
  for (const each of data) await chmod(each, WRITABLE);
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

const readEnv = async (path: string): Promise<Values> => parseEnv((await textOf(path)) ?? '') as Values;

const passwordIn = (url: string | undefined): string | undefined => /^redis:\/\/[a-z]+:([\w-]+)@/.exec(url ?? '')?.[1];

function checked(path: string, { name, kind }: { name: string; kind: Kind<unknown> }, value: string): string {
  if (kind.parse(value) !== undefined && !/[\s'"#]/.test(value)) return value;
  const message = `${name}: takes ${kind.takes}; ${path} has ${value.length} characters of another form: correct it, or remove the line so that a value is made`;
  throw new ConfigError([{ name, message }]);
}

/** Whether the file had another content. It is replaced as a whole: a program that starts meanwhile never reads a part. */
async function write(path: string, text: string): Promise<boolean> {
  if ((await textOf(path)) === text) return false;
  await writeFile(`${path}.new`, text, { mode: READABLE });
  await chmod(`${path}.new`, READABLE);
  await rename(`${path}.new`, path);
  return true;
}
