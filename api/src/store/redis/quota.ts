import { StreamSpaceError } from '@streamspace/protocol';
import { quotaRefusal } from '../../quotas/count.ts';
import type { QuotaCheck } from '../store.ts';
import { KEYS } from './keys.ts';

/** What the key of a session has before and behind its agent. */
const [BEFORE = '', BETWEEN = ''] = KEYS.session('*', '').split('*');

const MICRO = 1e6;
const micro = (cpu: number): number => Math.round(cpu * MICRO);

/** The argument for quota.lua. */
export function quotaArgument({ user, limits, added }: QuotaCheck): string {
  const most = limits.cpu === undefined ? limits : { ...limits, cpu: micro(limits.cpu) };
  const more = { ...added, cpu: micro(added.cpu) };
  return JSON.stringify({ user: JSON.stringify(user), limits: most, added: more, before: BEFORE, between: BETWEEN });
}

/** The refusal that quota.lua answered with; undefined: another answer. */
export function overQuota(answer: unknown, { limits, added }: QuotaCheck): StreamSpaceError | undefined {
  if (!Array.isArray(answer)) return undefined;
  const [, sessions = 0, running = 0, cpu = 0, memory = 0, storage = 0] = answer as number[];
  const used = { sessions, running, cpu: cpu / MICRO, memory, storage };
  return quotaRefusal(limits, used, added) ?? new StreamSpaceError('quota_exceeded', 'the quota is used up');
}
