import { createHash } from 'node:crypto';
import type { SessionSpec } from '@streamspace/protocol';
import { DEFAULT_IMAGE, imageName } from '../../core/image-name.ts';
import { environmentOf, homePath } from '../../core/environment.ts';
import { sessionLabels } from '../../core/names.ts';
import type { Live } from '../../core/record.ts';
import type { SessionContainerConfig } from '../options.ts';
import { additionsOf } from './additions.ts';
import { APP, SHAPE_LABEL, START_LABEL, USER_LABEL, WARM_TEMPLATE_LABEL } from './names.ts';
import type { DockerRecord } from './record.ts';

/** A desktop has this long to end its programs, seconds. */
export const GRACE_S = 10;
/** Processes and threads of one session. */
export const PIDS = 4_096;
const MIB = 1024 * 1024;
/** Sizes of /dev/shm and /tmp, bytes. */
export const SHM = 512 * MIB;
export const TMP = 1024 * MIB;
/** User of images that name none, or root. */
const USER = '1000:1000';
const tmpfs = (size: number): string => `rw,nosuid,nodev,mode=1777,size=${size}`;

/** Where the programs of a session that was warm read its identity: files `id` and `user`. */
export const IDENTITY_FOLDER = '/etc/streamspace/session';

/** What the image says of itself, as far as it decides. */
export interface ImageConfig {
  readonly User?: string;
}

/** The image that the spec's session runs. */
export const sessionImage = (
  { image }: { readonly image: string },
  config: Pick<SessionContainerConfig, 'sessionImageRegistry'>,
): string => imageName(image === '' ? DEFAULT_IMAGE : image, config.sessionImageRegistry);

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
  const labels = {
    ...sessionLabels(spec, config.agentId),
    [USER_LABEL]: spec.user,
    [START_LABEL]: String(instance),
  };
  return { ...body(spec, home, image, config), Hostname: id.slice(0, 63), Labels: labels };
}

/** Of a spec, what a container has before its session exists. */
type Anybodys = Pick<SessionSpec, 'template' | 'image' | 'cpu' | 'memory' | 'env'>;
const anybodys = ({ template, image, cpu, memory, env }: Anybodys): Anybodys => ({ template, image, cpu, memory, env });

/** The body for a container that waits for a session of the template. */
export function warmContainer(
  template: Anybodys,
  shape: string,
  image: ImageConfig,
  config: SessionContainerConfig,
): object {
  const made = body(anybodys(template), undefined, image, config);
  const identity = { [IDENTITY_FOLDER]: 'rw,nosuid,nodev,noexec,mode=755,size=65536' };
  return {
    ...made,
    Labels: { app: APP.session, agent: config.agentId, [WARM_TEMPLATE_LABEL]: template.template, [SHAPE_LABEL]: shape },
    HostConfig: { ...made.HostConfig, Tmpfs: { ...made.HostConfig.Tmpfs, ...identity } },
  };
}

/** Equal for specs whose containers differ only in the session's identity. */
export function containerShape(spec: Anybodys, config: SessionContainerConfig): string {
  const made = body(anybodys(spec), undefined, {}, config);
  return createHash('sha256').update(JSON.stringify(made)).digest('hex').slice(0, 16);
}

function body(
  spec: Anybodys & Partial<SessionSpec>,
  home: string | undefined,
  image: ImageConfig,
  config: SessionContainerConfig,
) {
  const added = additionsOf(spec, config.sessionAllow);
  const gpus = added.gpus ?? gpusOf(config.sessionGpus);
  const memory = spec.memory > 0 ? spec.memory : config.sessionDefaultMemory;
  const cpu = spec.cpu > 0 ? spec.cpu : config.sessionDefaultCpu;
  return {
    Image: sessionImage(spec, config),
    // never root: what a template's image says is not the operator's word
    ...(isRoot(image.User) && { User: USER }),
    Env: environmentOf(spec, config).map(([name, value]) => `${name}=${value}`),
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
        '/tmp': tmpfs(TMP),
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

/** The user that a session's program runs as. */
export const userOf = ({ User = '' }: ImageConfig): string => (isRoot(User) ? USER : User);

const isRoot = (user: string | undefined): boolean => {
  const [name = ''] = (user ?? '').split(':');
  return name === '' || name === '0' || name === 'root';
};

/** Graphics cards that SESSION_GPUS gives each session. */
export function gpusOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : text === 'all' ? Infinity : Number(text);
}
