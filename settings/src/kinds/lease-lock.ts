import type { Kind } from './kind.ts';

/** Which lock the replicas of an agent share. */
export interface LeaseLock {
  readonly kind: 'file' | 'memory' | 'kubernetes' | 'redis';
  /** What follows the colon: a path, a Lease's name, a URL; empty: the default of its kind. */
  readonly target: string;
}

export const leaseLock: Kind<LeaseLock> = {
  takes: 'file, file:/path, memory, kubernetes, kubernetes:NAME or redis://host:port',
  parse(value) {
    if (/^rediss?:\/\/[^\s]+$/.test(value)) return { kind: 'redis', target: value };
    const match = /^(file|memory|kubernetes)(?::(.+))?$/.exec(value);
    if (match === null || (match[1] === 'memory' && match[2] !== undefined)) return undefined;
    return { kind: match[1] as LeaseLock['kind'], target: match[2] ?? '' };
  },
  print: ({ kind, target }) => (kind === 'redis' ? target : target === '' ? kind : `${kind}:${target}`),
  written: { type: 'string', pattern: '^(file|memory|kubernetes)$' },
  examples: ['file', 'memory', 'kubernetes'],
};
