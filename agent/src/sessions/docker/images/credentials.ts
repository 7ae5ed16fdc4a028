import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Of a helper's answer and of the file, bytes. */
const LIMIT = 1024 * 1024;
const HELPER = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

interface ConfigFile {
  readonly auths?: Readonly<Record<string, { readonly auth?: string; readonly identitytoken?: string }>>;
  readonly credHelpers?: Readonly<Record<string, string>>;
  readonly credsStore?: string;
}

/**
 * The value of X-Registry-Auth for a registry, from the configuration that `docker login` writes (`config.json` in `folder`) and the helpers that it names;
 * undefined where it has none. Throws, with the remedy, what keeps it from being read: a pull without credentials would say less.
 */
export async function registryAuth(registry: string, folder: string, signal: AbortSignal): Promise<string | undefined> {
  const path = join(folder, 'config.json');
  let config: ConfigFile;
  try {
    const text = await readFile(path, { encoding: 'utf8', signal });
    if (text.length > LIMIT) throw new Error(`is longer than ${LIMIT} characters`);
    config = JSON.parse(text) as ConfigFile;
  } catch (error) {
    signal.throwIfAborted();
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Error(`the registry’s credentials: ${path} can’t be read (${(error as Error).message})`, {
      cause: error,
    });
  }
  const helper = config.credHelpers?.[registry] ?? config.credsStore;
  const kept = config.auths?.[registry];
  if (helper !== undefined && HELPER.test(helper)) {
    const found = await askHelper(helper, registry, signal);
    if (found !== undefined)
      return encoded(
        found.Username === '<token>'
          ? { identitytoken: found.Secret }
          : { username: found.Username, password: found.Secret },
        registry,
      );
  }
  if (kept?.identitytoken) return encoded({ identitytoken: kept.identitytoken }, registry);
  if (!kept?.auth) return undefined;
  const pair = Buffer.from(kept.auth, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  return encoded({ username: pair.slice(0, colon), password: pair.slice(colon + 1) }, registry);
}

/** With the padding that base64url has none of in Node, and without which engines take it for nothing. */
function encoded(auth: object, registry: string): string {
  const text = JSON.stringify({ ...auth, serveraddress: registry });
  return Buffer.from(text).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
}

/** Undefined where the helper has none for the registry. */
function askHelper(
  name: string,
  registry: string,
  signal: AbortSignal,
): Promise<{ Username: string; Secret: string } | undefined> {
  return new Promise((resolve, reject) => {
    const child = spawn(`docker-credential-${name}`, ['get'], { stdio: ['pipe', 'pipe', 'ignore'], signal });
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out = (out + text).slice(0, LIMIT);
    });
    child.on('error', (error) =>
      reject(new Error(`docker-credential-${name} can’t be run: ${error.message}`, { cause: error })),
    );
    child.on('close', (code) => {
      if (code !== 0) return resolve(undefined);
      try {
        resolve(JSON.parse(out) as { Username: string; Secret: string });
      } catch (error) {
        reject(new Error(`docker-credential-${name} answered with something else than JSON`, { cause: error }));
      }
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(registry);
  });
}
