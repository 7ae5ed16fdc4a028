import type { Capacity } from '@streamspace/protocol';

/** The part of a limit that is left to sessions: cores, bytes, sessions. A field that is absent has no bound. */
export interface CapacityBound {
  readonly cpu?: number;
  readonly memory?: number;
  readonly sessions?: number;
}

/**
 * The total that sessions may use: the smallest of all bounds, and never more than `maxSessions`. Where nothing bounds cores or memory, the
 * total is that of `maxSessions` sessions of the default size.
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
