import { StreamSpaceError } from '@streamspace/protocol';
import { environmentOf } from '../../../core/environment.ts';
import { sessionLabels } from '../../../core/names.ts';
import type { Live } from '../../../core/record.ts';
import { type Additions, additionsOf } from '../../objects/additions.ts';
import { GRACE_S, type ImageConfig, PIDS, sessionImage, SHM, TMP, userOf } from '../../objects/container.ts';
import { START_LABEL } from '../../objects/names.ts';
import type { SwarmHome } from '../homes.ts';
import type { SwarmDriverOptions } from '../options.ts';
import type { SwarmRecord } from './record.ts';
import type { TaskTemplate } from './swarm-objects.ts';

const NANO = 1e9;
/** Any user writes there, and removes what is theirs. */
const MODE = 0o1777;

/** What a template adds, without what services can't have. Throws `invalid_request` for that. */
export function swarmAdditions(
  spec: { readonly env: Readonly<Record<string, string>> },
  { sessionAllow }: Pick<SwarmDriverOptions, 'sessionAllow'>,
): Additions {
  const added = additionsOf(spec, sessionAllow);
  const refused =
    added.devices.length > 0 ? 'STREAMSPACE_DEVICES' : added.gpus === undefined ? undefined : 'STREAMSPACE_GPUS';
  if (refused === undefined) return added;
  throw new StreamSpaceError(
    'invalid_request',
    `env ${refused}: a service of a swarm has no devices: leave it out, or use an agent with DOCKER_MODE=engine`,
  );
}

/** What a session's service runs: the container that one engine would run, as far as services have it. `network`: its id; undefined: none. */
export function sessionTask(
  { id, spec, instance }: Live<SwarmRecord>,
  {
    home,
    image,
    network,
  }: { readonly home: SwarmHome; readonly image: ImageConfig; readonly network: string | undefined },
  options: SwarmDriverOptions,
): TaskTemplate {
  const added = swarmAdditions(spec, options);
  const memory = spec.memory > 0 ? spec.memory : options.sessionDefaultMemory;
  const cpu = spec.cpu > 0 ? spec.cpu : options.sessionDefaultCpu;
  const size = { NanoCPUs: Math.round(cpu * NANO), MemoryBytes: memory };
  const inMemory = (path: string, bytesOf: number) => ({
    Type: 'tmpfs',
    Target: path,
    TmpfsOptions: { SizeBytes: bytesOf, Mode: MODE },
  });
  const container = {
    Image: sessionImage(spec, options),
    Hostname: id.slice(0, 63),
    Labels: { ...sessionLabels(spec, options.agentId), [START_LABEL]: String(instance) },
    User: userOf(image),
    Env: environmentOf(spec, options).map(([name, value]) => `${name}=${value}`),
    Init: true,
    ReadOnly: true,
    CapabilityDrop: ['ALL'],
    // engines before 25 know it only as their own setting, for all containers
    Privileges: { NoNewPrivileges: true },
    Ulimits: [{ Name: 'core', Soft: 0, Hard: 0 }],
    StopGracePeriod: GRACE_S * NANO,
    Hosts: added.hosts.map((host) => {
      const colon = host.indexOf(':');
      return `${host.slice(colon + 1)} ${host.slice(0, colon)}`;
    }),
    Mounts: [
      home.mount,
      inMemory('/tmp', TMP),
      inMemory('/dev/shm', added.shm ?? SHM),
      ...added.tmpfs.map(({ path, size: bytesOf }) => inMemory(path, bytesOf)),
      ...added.mounts.map(({ folder, path }) => ({
        Type: 'bind',
        Source: folder,
        Target: path,
        ReadOnly: true,
        BindOptions: { Propagation: 'rprivate' },
      })),
    ],
  };
  const template = {
    ContainerSpec: container,
    Resources: { Limits: { ...size, Pids: PIDS }, Reservations: size },
    // what ends has ended: only the agent starts it again, with a number of its own
    RestartPolicy: { Condition: 'none' },
    Placement: { Constraints: home.node === undefined ? [] : [`node.id==${home.node}`] },
    Networks: network === undefined ? [] : [{ Target: network }],
    LogDriver: { Name: 'json-file', Options: { 'max-size': '1m', 'max-file': '2' } },
  };
  return template;
}

/** The same session's container with another program: it empties the home, and ends. */
export const emptying = (task: TaskTemplate, home: string): TaskTemplate => ({
  ...task,
  ContainerSpec: {
    ...task.ContainerSpec,
    Labels: {},
    Command: ['sh', '-c', 'find "$1" -mindepth 1 -delete', 'empty', home],
  },
});
