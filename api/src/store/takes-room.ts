import type { Session } from '@streamspace/protocol';

const RESTING: ReadonlySet<Session['state']> = new Set(['hibernated', 'failed', 'gone']);

/** Whether a session takes up room on its agent, and of its user's quota; usage.lua has the same. */
export const takesRoom = ({ state }: Pick<Session, 'state'>): boolean => !RESTING.has(state);
