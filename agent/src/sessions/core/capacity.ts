import type { Capacity } from '@streamspace/protocol';

/** What something leaves to sessions: cores, bytes, sessions. What is not named it does not bound. */
export interface CapacityBound {
  readonly cpu?: number;
  readonly memory?: number;
  readonly sessions?: number;
}

/**
 * What sessions may use altogether: the least of what bounds it, and never more than `maxSessions`. Cores and memory that nothing bounds are those
 * of so many sessions of the default size.
 */
export function capacityWithin(
  bounds: readonly CapacityBound[],
  size: { readonly cpu: number; readonly memory: number },
  maxSessions: number,
): Capacity {
  const least = (resource: keyof CapacityBound, otherwise: number): number => {
    const known = bounds.flatMap((bound) => bound[resource] ?? []);
    return known.length === 0 ? otherwise : Math.min(...known);
  };
  return {
    cpu: least('cpu', maxSessions * size.cpu),
    memory: least('memory', maxSessions * size.memory),
    max_sessions: Math.floor(Math.min(maxSessions, least('sessions', maxSessions))),
  };
}
