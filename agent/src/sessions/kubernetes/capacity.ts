import type { V1ResourceQuota } from '@kubernetes/client-node';
import type { Capacity } from '@streamspace/protocol';
import type { KubeClient } from './api/client.ts';
import { ApiError } from './api/error.ts';
import { parseQuantity } from './objects/quantity.ts';
import type { SessionObjectsConfig } from './options.ts';

/** Sum of what our own sessions have of the quota already. */
export interface OwnUse {
  readonly pods: number;
  readonly cpu: number;
  readonly memory: number;
}

/** Quotas of the namespace; undefined where we may not read them. */
export async function readQuotas(client: KubeClient, signal: AbortSignal): Promise<V1ResourceQuota[] | undefined> {
  try {
    return (await client.list<V1ResourceQuota>('resourcequotas', {}, signal)).items;
  } catch (error) {
    if (error instanceof ApiError && error.status === 403) return undefined;
    throw error;
  }
}

/**
 * What sessions may use altogether: what the quotas leave to them (what others in the namespace use is not theirs), and nowhere
 * more than `MAX_SESSIONS` of the default size where no quota says anything.
 */
export function capacityFor(
  quotas: readonly V1ResourceQuota[],
  own: OwnUse,
  config: Pick<SessionObjectsConfig, 'defaultCpu' | 'defaultMemory'> & { readonly maxSessions: number },
): Capacity {
  const left = (names: readonly string[], ours: number, fallback: number): number => {
    const limits = quotas.filter(unscoped).flatMap(({ spec, status }) =>
      names.flatMap((name) => {
        const hard = status?.hard?.[name] ?? spec?.hard?.[name];
        if (hard === undefined) return [];
        const others = Math.max(0, parseQuantity(status?.used?.[name] ?? '0') - ours);
        return [Math.max(0, parseQuantity(hard) - others)];
      }),
    );
    return Math.min(...limits, ...(limits.length === 0 ? [fallback] : []));
  };
  const { maxSessions, defaultCpu, defaultMemory } = config;
  return {
    cpu: left(['cpu', 'requests.cpu', 'limits.cpu'], own.cpu, maxSessions * defaultCpu),
    memory: left(['memory', 'requests.memory', 'limits.memory'], own.memory, maxSessions * defaultMemory),
    max_sessions: Math.floor(Math.min(maxSessions, left(['pods', 'count/pods'], own.pods, maxSessions))),
  };
}

/** A quota with scopes is about other pods than ours (best effort, terminating, of a priority class). */
const unscoped = ({ spec }: V1ResourceQuota): boolean =>
  spec?.scopes === undefined && spec?.scopeSelector === undefined;
