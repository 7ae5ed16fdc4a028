import { type SessionSpec, StreamSpaceError } from '@streamspace/protocol';
import { type Allowed, bytes, EXTRA_HOST, NOTHING_ALLOWED, PLAIN_PATH } from '@streamspace/settings';
import { homePath } from '../../core/environment.ts';

/** What a template adds to its sessions' containers; sizes are bytes. */
export interface Additions {
  /** Device and the group to join for it. */
  readonly devices: readonly { readonly path: string; readonly group: number | undefined }[];
  /** Graphics cards; Infinity: all; undefined: SESSION_GPUS. */
  readonly gpus: number | undefined;
  readonly shm: number | undefined;
  readonly tmpfs: readonly { readonly path: string; readonly size: number }[];
  /** `NAME:ADDRESS`. */
  readonly hosts: readonly string[];
  readonly mounts: readonly { readonly folder: string; readonly path: string }[];
}

const FORMS = {
  STREAMSPACE_DEVICES: [`/dev${PLAIN_PATH}`, 'a comma list of /dev/PATH'],
  STREAMSPACE_GPUS: ['all|[1-9][0-9]?', 'all, or a number of graphics cards'],
  STREAMSPACE_SHM: ['[0-9A-Za-z.]+', bytes.takes],
  STREAMSPACE_TMPFS: [`${PLAIN_PATH}:[0-9A-Za-z.]+`, 'a comma list of /PATH:SIZE'],
  STREAMSPACE_EXTRA_HOSTS: [EXTRA_HOST, 'a comma list of NAME:ADDRESS'],
  STREAMSPACE_MOUNTS: [`${PLAIN_PATH}:${PLAIN_PATH}`, 'a comma list of /FOLDER-OF-THE-HOST:/PATH'],
} as const;
type Variable = keyof typeof FORMS;
/** Entries of one variable. */
const MOST = 32;
/** Places of a container that are the engine's. */
const ENGINES = /^\/(proc|sys|dev)(\/|$)/;

/** What the spec's template adds. Throws `invalid_request` for what can't be read, and for what `allowed` does not have. */
export function additionsOf(spec: Pick<SessionSpec, 'env'>, allowed: Allowed = NOTHING_ALLOWED): Additions {
  const devices = entries(spec, 'STREAMSPACE_DEVICES').map((path) => {
    if (!allowed.devices.has(path)) throw notAllowed('STREAMSPACE_DEVICES', path, `device:${path}`);
    return { path, group: allowed.devices.get(path) };
  });
  const [gpusText] = entries(spec, 'STREAMSPACE_GPUS');
  const gpus = gpusText === undefined ? undefined : gpusText === 'all' ? Infinity : Number(gpusText);
  if (gpus !== undefined && gpus > allowed.gpus) throw notAllowed('STREAMSPACE_GPUS', gpusText!, `gpus:${gpusText}`);
  const [shmText] = entries(spec, 'STREAMSPACE_SHM');
  const shm = shmText === undefined ? undefined : sizeOf('STREAMSPACE_SHM', shmText);
  if (shm !== undefined && shm > allowed.shm) throw notAllowed('STREAMSPACE_SHM', shmText!, `shm:${bytes.print(shm)}`);
  const tmpfs = entries(spec, 'STREAMSPACE_TMPFS').map((text) => {
    const [path, size] = pair(text);
    return { path: place(spec, 'STREAMSPACE_TMPFS', path), size: sizeOf('STREAMSPACE_TMPFS', size) };
  });
  const total = tmpfs.reduce((sum, { size }) => sum + size, 0);
  if (total > allowed.tmpfs)
    throw notAllowed('STREAMSPACE_TMPFS', `${bytes.print(total)} in all`, `tmpfs:${bytes.print(total)}`);
  const hosts = entries(spec, 'STREAMSPACE_EXTRA_HOSTS');
  for (const host of hosts)
    if (!allowed.hosts.has(host)) throw notAllowed('STREAMSPACE_EXTRA_HOSTS', host, `host:${host}`);
  const mounts = entries(spec, 'STREAMSPACE_MOUNTS').map((text) => {
    const [folder, path] = pair(text);
    if (!allowed.mounts.has(folder)) throw notAllowed('STREAMSPACE_MOUNTS', folder, `mount:${folder}`);
    return { folder, path: place(spec, 'STREAMSPACE_MOUNTS', path) };
  });
  return { devices, gpus, shm, tmpfs, hosts, mounts };
}

function entries({ env }: Pick<SessionSpec, 'env'>, name: Variable): string[] {
  const text = env[name] ?? '';
  const [form, takes] = FORMS[name];
  const found = text
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
  const single = name === 'STREAMSPACE_GPUS' || name === 'STREAMSPACE_SHM';
  const regex = new RegExp(`^(${form})$`, 'u');
  if (found.length <= (single ? 1 : MOST) && found.every((each) => regex.test(each))) return found;
  throw new StreamSpaceError(
    'invalid_request',
    `env ${name}: takes ${takes}${single ? '' : `, at most ${MOST} of them`}; given was ${JSON.stringify(text.slice(0, 200))}`,
  );
}

const pair = (text: string): [string, string] => {
  const colon = text.indexOf(':');
  return [text.slice(0, colon), text.slice(colon + 1)];
};

function sizeOf(name: Variable, text: string): number {
  const size = bytes.parse(text);
  if (size !== undefined) return size;
  throw new StreamSpaceError('invalid_request', `env ${name}: takes ${bytes.takes}; given was ${JSON.stringify(text)}`);
}

/** A place in the container that a template may cover. */
function place(spec: Pick<SessionSpec, 'env'>, name: Variable, path: string): string {
  if (!ENGINES.test(path) && path !== homePath(spec)) return path;
  throw new StreamSpaceError(
    'invalid_request',
    `env ${name}: ${path} is the engine’s, or the session’s home: choose another path`,
  );
}

const notAllowed = (name: Variable, what: string, entry: string): StreamSpaceError =>
  new StreamSpaceError(
    'invalid_request',
    `env ${name}: ${what} is not allowed by this agent: an operator may add ${entry} to its SESSION_ALLOW, or the template leaves it out`,
  );
