import type { V1Node, V1Pod, V1ResourceQuota } from '@kubernetes/client-node';
import type { Capacity } from '@streamspace/protocol';
import type { Clock } from 'clock-port';
import { ApiError, type KubeClient, type KubeObject, type Resource } from 'kube-client';
import { type CapacityBound, capacityWithin } from '../core/capacity.ts';
import { nodesFor } from './nodes.ts';
import { parseQuantity } from './objects/quantity.ts';
import type { SessionObjectsConfig } from './objects/settings.ts';

/** The sum of the quota that this agent's sessions use already. */
export type OwnUse = Required<CapacityBound>;

type CapacityConfig = Pick<SessionObjectsConfig, 'sessionDefaultCpu' | 'sessionDefaultMemory' | 'podTemplate'> & {
  readonly maxSessions: number;
};

/** The bounds of capacity change seldom, and heartbeats ask often: a list is read again after this long, milliseconds. */
const KEPT_MS = { quotas: 5_000, nodes: 30_000 };
/** A forbidden list is requested again after this long: permissions can be granted later. */
const FORBIDDEN_MS = 300_000;

/** A list that is read seldom; empty, and not an error, where it is forbidden. */
class SeldomList<T extends KubeObject> {
  readonly #client: KubeClient;
  readonly #resource: Resource;
  readonly #clock: Clock;
  readonly #keptMs: number;
  #kept: { items: T[] | undefined; until: number } | undefined;

  constructor(client: KubeClient, resource: Resource, clock: Clock, keptMs: number) {
    this.#keptMs = keptMs;
    this.#client = client;
    this.#resource = resource;
    this.#clock = clock;
  }

  async read(signal: AbortSignal): Promise<T[] | undefined> {
    const now = this.#clock.monotonic();
    if (this.#kept === undefined || now >= this.#kept.until) {
      try {
        const { items } = await this.#client.list<T>(this.#resource, {}, signal);
        this.#kept = { items, until: now + this.#keptMs };
      } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 403) throw error;
        this.#kept = { items: undefined, until: now + FORBIDDEN_MS };
      }
    }
    return this.#kept.items;
  }
}

/** Bounds of the resources that sessions may use, as far as the agent may read them. */
export class Bounds {
  readonly #quotas: SeldomList<V1ResourceQuota>;
  readonly #nodes: SeldomList<V1Node>;

  constructor(client: KubeClient, clock: Clock) {
    this.#quotas = new SeldomList(client, 'resourcequotas', clock, KEPT_MS.quotas);
    this.#nodes = new SeldomList(client, 'nodes', clock, KEPT_MS.nodes);
  }

  async read(signal: AbortSignal): Promise<{ quotas: V1ResourceQuota[]; nodes: V1Node[] | undefined }> {
    const [quotas, nodes] = await Promise.all([this.#quotas.read(signal), this.#nodes.read(signal)]);
    return { quotas: quotas ?? [], nodes };
  }
}

/**
 * The total that sessions may use: the part of the quotas that others in the namespace do not use, and the nodes' resources; `MAX_SESSIONS` of
 * the default size where neither is known.
 */
export function capacityFor(
  quotas: readonly V1ResourceQuota[],
  nodes: readonly V1Node[] | undefined,
  own: OwnUse,
  config: CapacityConfig,
): Capacity {
  const { maxSessions, sessionDefaultCpu: cpu, sessionDefaultMemory: memory, podTemplate } = config;
  // no node at all: an autoscaler adds one when pods wait for it
  const machines = nodes === undefined || nodes.length === 0 ? [] : [nodesFor(nodes, podTemplate)];
  return capacityWithin(
    [...quotas.filter(unscoped).flatMap((quota) => boundsOf(quota, own)), ...machines],
    { cpu, memory },
    maxSessions,
  );
}

/** The part of a quota that is left to sessions, read from every name under which a quota can bound a resource. */
function boundsOf({ spec, status }: V1ResourceQuota, own: OwnUse): CapacityBound[] {
  const left = (resource: keyof OwnUse, names: readonly string[]): CapacityBound[] =>
    names.flatMap((name) => {
      const hard = status?.hard?.[name] ?? spec?.hard?.[name];
      if (hard === undefined) return [];
      const others = Math.max(0, parseQuantity(status?.used?.[name] ?? '0') - own[resource]);
      return [{ [resource]: Math.max(0, parseQuantity(hard) - others) }];
    });
  return [
    ...left('cpu', ['cpu', 'requests.cpu', 'limits.cpu']),
    ...left('memory', ['memory', 'requests.memory', 'limits.memory']),
    ...left('sessions', ['pods', 'count/pods']),
  ];
}

/** A quota with scopes applies to other pods than sessions (best effort, terminating, of a priority class). */
const unscoped = ({ spec }: V1ResourceQuota): boolean =>
  spec?.scopes === undefined && spec?.scopeSelector === undefined;

/** The sum of the requests of all pods that have not ended. */
export function useOf(pods: readonly V1Pod[]): OwnUse {
  const alive = pods.filter(({ status }) => status?.phase !== 'Failed' && status?.phase !== 'Succeeded');
  const sum = (name: string) =>
    alive
      .flatMap(({ spec }) => spec?.containers ?? [])
      .reduce((total, { resources }) => total + parseQuantity(resources?.requests?.[name] ?? '0'), 0);
  return { sessions: alive.length, cpu: sum('cpu'), memory: sum('memory') };
}
