import { DEFAULT_IMAGE, imageName } from '../../core/image-name.ts';
import { environmentOf, homePath } from '../../core/environment.ts';
import { sessionLabels } from '../../core/names.ts';
import type { Live } from '../../core/record.ts';
import type { SessionContainerConfig } from '../options.ts';
import { additionsOf } from './additions.ts';
import { START_LABEL, USER_LABEL } from './names.ts';
import type { DockerRecord } from './record.ts';

/** A desktop has this long to end its programs, seconds. */
export const GRACE_S = 10;
/** Processes and threads of one session. */
const PIDS = 4_096;
const MIB = 1024 * 1024;
const SHM = 512 * MIB;
/** User of images that name none, or root. */
const USER = '1000:1000';
const tmpfs = (size: number): string => `rw,nosuid,nodev,mode=1777,size=${size}`;

/** What the image says of itself, as far as it decides. */
export interface ImageConfig {
  readonly User?: string;
}

/** The image that the spec's session runs. */
export const sessionImage = ({ image }: { readonly image: string }, config: SessionContainerConfig): string =>
  imageName(image === '' ? DEFAULT_IMAGE : image, config.sessionImageRegistry);

/**
 * The body of the request that makes a session's container: no privileges, no published port, nothing of the host but its home. `home`: name
 * of its volume; undefined: what it writes there goes with the container.
 */
export function sessionContainer(
  { id, spec, instance }: Live<DockerRecord>,
  home: string | undefined,
  image: ImageConfig,
  config: SessionContainerConfig,
): object {
  const added = additionsOf(spec, config.sessionAllow);
  const gpus = added.gpus ?? gpusOf(config.sessionGpus);
  const memory = spec.memory > 0 ? spec.memory : config.sessionDefaultMemory;
  const cpu = spec.cpu > 0 ? spec.cpu : config.sessionDefaultCpu;
  const own = {
    ...sessionLabels(spec, config.agentId),
    [USER_LABEL]: spec.user,
    [START_LABEL]: String(instance),
  };
  return {
    Image: sessionImage(spec, config),
    // never root: what a template's image says is not the operator's word
    ...(isRoot(image.User) && { User: USER }),
    Hostname: id.slice(0, 63),
    Env: environmentOf(spec, config).map(([name, value]) => `${name}=${value}`),
    Labels: own,
    StopTimeout: GRACE_S,
    HostConfig: {
      NanoCpus: Math.round(cpu * 1e9),
      Memory: memory,
      // no swap: as on Kubernetes
      MemorySwap: memory,
      PidsLimit: PIDS,
      // a core of a browser would fill the home
      Ulimits: [{ Name: 'core', Soft: 0, Hard: 0 }],
      ShmSize: added.shm ?? SHM,
      Init: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      ReadonlyRootfs: true,
      Tmpfs: {
        '/tmp': tmpfs(1024 * MIB),
        ...Object.fromEntries(added.tmpfs.map(({ path, size }) => [path, tmpfs(size)])),
      },
      Mounts: [
        { Type: 'volume', Target: homePath(spec), ...(home !== undefined && { Source: home }) },
        ...added.mounts.map(({ folder, path }) => ({
          Type: 'bind',
          Source: folder,
          Target: path,
          ReadOnly: true,
          // what is mounted below it would be writable on engines before 25
          BindOptions: { Propagation: 'rprivate', NonRecursive: true },
        })),
      ],
      Devices: added.devices.map(({ path }) => ({ PathOnHost: path, PathInContainer: path, CgroupPermissions: 'rw' })),
      GroupAdd: added.devices.flatMap(({ group }) => (group === undefined ? [] : [String(group)])),
      ExtraHosts: added.hosts,
      NetworkMode: config.sessionNetwork,
      RestartPolicy: { Name: 'no' },
      LogConfig: { Type: 'json-file', Config: { 'max-size': '1m', 'max-file': '2' } },
      ...(config.sessionRuntime !== undefined && { Runtime: config.sessionRuntime }),
      ...(gpus !== undefined && {
        DeviceRequests: [{ Driver: '', Count: gpus === Infinity ? -1 : gpus, Capabilities: [['gpu']] }],
      }),
    },
  };
}

const isRoot = (user: string | undefined): boolean => {
  const [name = ''] = (user ?? '').split(':');
  return name === '' || name === '0' || name === 'root';
};

function gpusOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : text === 'all' ? Infinity : Number(text);
}
