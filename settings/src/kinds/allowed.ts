import { bytes } from './amounts.ts';
import type { Kind } from './kind.ts';

/** What templates may add to a session's container on the docker platform; empty and 0: nothing. */
export interface Allowed {
  /** Paths of the host's devices, each with the number of the group that sessions with the device join. */
  readonly devices: ReadonlyMap<string, number | undefined>;
  /** Most graphics cards of one session; Infinity: all. */
  readonly gpus: number;
  /** Most bytes of /dev/shm. */
  readonly shm: number;
  /** Most bytes of all further file systems in memory of one session. */
  readonly tmpfs: number;
  /** `NAME:ADDRESS`, entries of a session's hosts file. */
  readonly hosts: ReadonlySet<string>;
  /** Folders of the host, as sessions mount them. */
  readonly mounts: ReadonlySet<string>;
}

export const NOTHING_ALLOWED: Allowed = {
  devices: new Map(),
  gpus: 0,
  shm: 0,
  tmpfs: 0,
  hosts: new Set(),
  mounts: new Set(),
};

/** A full path whose parts don't begin with a dot: it can't lead elsewhere than it says. */
export const PLAIN_PATH = '(/[A-Za-z0-9_@+-][A-Za-z0-9_.@+-]{0,254}){1,32}';
/** An entry of a hosts file. */
export const EXTRA_HOST = '[A-Za-z0-9][A-Za-z0-9.-]{0,252}:([0-9A-Fa-f:.]{2,45}|host-gateway)';

const SIZE = bytes.written.pattern!.slice(1, -1);
const ENTRY = {
  device: `/dev${PLAIN_PATH}(:[0-9]{1,7})?`,
  gpus: '(all|[1-9][0-9]?)',
  shm: SIZE,
  tmpfs: SIZE,
  host: EXTRA_HOST,
  mount: PLAIN_PATH,
};
const PATTERN = `^(${Object.entries(ENTRY)
  .map(([kind, form]) => `${kind}:${form}`)
  .join('|')})$`;

/** A comma list of what templates may add. */
export const allowed: Kind<Allowed, readonly string[]> = {
  takes:
    'a comma list of device:/dev/PATH[:GROUP], gpus:NUMBER, shm:SIZE, tmpfs:SIZE, host:NAME:ADDRESS and mount:/FOLDER',
  parse(value) {
    const devices = new Map<string, number | undefined>();
    const [hosts, mounts] = [new Set<string>(), new Set<string>()];
    let { gpus, shm, tmpfs } = NOTHING_ALLOWED;
    for (const entry of value.split(',').map((each) => each.trim())) {
      if (entry === '') continue;
      if (!new RegExp(PATTERN, 'u').test(entry)) return undefined;
      const [kind = '', what = '', group] = entry.split(':', 3);
      if (kind === 'device') devices.set(what, group === undefined ? undefined : Number(group));
      else if (kind === 'gpus') gpus = what === 'all' ? Infinity : Number(what);
      else if (kind === 'shm') shm = bytes.parse(what)!;
      else if (kind === 'tmpfs') tmpfs = bytes.parse(what)!;
      else if (kind === 'host') hosts.add(entry.slice('host:'.length));
      else mounts.add(what);
    }
    return { devices, gpus, shm, tmpfs, hosts, mounts };
  },
  print: ({ devices, gpus, shm, tmpfs, hosts, mounts }) =>
    [
      ...[...devices].map(([path, group]) => `device:${path}${group === undefined ? '' : `:${group}`}`),
      ...(gpus > 0 ? [`gpus:${gpus === Infinity ? 'all' : gpus}`] : []),
      ...(shm > 0 ? [`shm:${bytes.print(shm)}`] : []),
      ...(tmpfs > 0 ? [`tmpfs:${bytes.print(tmpfs)}`] : []),
      ...[...hosts].map((each) => `host:${each}`),
      ...[...mounts].map((each) => `mount:${each}`),
    ].join(','),
  written: {
    type: 'array',
    items: { type: 'string', pattern: PATTERN },
  },
  examples: [
    ['device:/dev/fuse', 'device:/dev/dri/renderD128:107', 'gpus:1', 'shm:2Gi'],
    ['tmpfs:1Gi', 'host:licences:10.0.0.5', 'mount:/srv/fonts'],
  ],
};
