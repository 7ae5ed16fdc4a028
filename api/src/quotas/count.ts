import { QUOTA_KINDS, type QuotaKind, type Session, StreamSpaceError } from '@streamspace/protocol';
import { takesRoom } from '../store/takes-room.ts';
import type { QuotaLimits } from './quotas.ts';

/** What a user's sessions use, in the kinds of quotas; also what a step adds to it. CPU in cores, memory and storage in bytes. */
export type QuotaUse = Readonly<Record<QuotaKind, number>>;

/** What sessions use: counted from their states alone [QUO2]. */
export function sessionsUse(sessions: readonly Pick<Session, 'state' | 'cpu' | 'memory' | 'storage'>[]): QuotaUse {
  const there = sessions.filter(({ state }) => state !== 'gone');
  const live = there.filter(takesRoom);
  // in millionths: sums of fractions drift
  const micro = live.reduce((total, { cpu }) => total + Math.round(cpu * 1e6), 0);
  return {
    sessions: there.length,
    running: live.length,
    cpu: micro / 1e6,
    memory: live.reduce((total, { memory }) => total + memory, 0),
    storage: there.reduce((total, { storage }) => total + storage, 0),
  };
}

/** What a new session adds. */
export const addedByCreate = ({ cpu, memory, storage }: Pick<Session, 'cpu' | 'memory' | 'storage'>): QuotaUse => ({
  sessions: 1,
  running: 1,
  cpu,
  memory,
  storage,
});

/** What a session that rests adds when it wakes: it exists already. */
export const addedByWake = ({ cpu, memory }: Pick<Session, 'cpu' | 'memory'>): QuotaUse => ({
  sessions: 0,
  running: 1,
  cpu,
  memory,
  storage: 0,
});

/** The first kind of which there would be too much; what adds nothing of a kind is not limited by it. */
function exceeded(limits: QuotaLimits, used: QuotaUse, added: QuotaUse): QuotaKind | undefined {
  return QUOTA_KINDS.find((kind) => {
    const limit = limits[kind];
    return limit !== undefined && added[kind] > 0 && used[kind] + added[kind] > limit + 1e-9;
  });
}

const GIB = 1024 ** 3;
const round = (value: number): string => String(Math.round(value * 100) / 100);
const gib = (bytes: number): string => round(bytes / GIB);

/** The refusal of a step that would exceed a limit: says what is used, of what, and what helps [QUO3]. Undefined: it fits. */
export function quotaRefusal(limits: QuotaLimits, used: QuotaUse, added: QuotaUse): StreamSpaceError | undefined {
  const kind = exceeded(limits, used, added);
  if (kind === undefined) return undefined;
  const limit = limits[kind]!;
  const [is, of, more] = [used[kind], limit, added[kind]];
  const alone = more > of + 1e-9;
  // a session that wakes has its size already
  const less = added.sessions > 0 ? ', or ask for less' : '';
  const words: Record<QuotaKind, () => string> = {
    sessions: () => `${is} of ${of} sessions exist: delete one`,
    running: () => `${is} of ${of} running sessions are in use: hibernate or delete one`,
    cpu: () =>
      alone
        ? `the session needs ${round(more)} CPUs, and ${round(of)} are allowed in all: ask for less`
        : `${round(is)} of ${round(of)} CPUs are in use, and the session needs ${round(more)}: hibernate or delete one${less}`,
    memory: () =>
      alone
        ? `the session needs ${gib(more)} GiB of memory, and ${gib(of)} GiB are allowed in all: ask for less`
        : `${gib(is)} of ${gib(of)} GiB of memory are in use, and the session needs ${gib(more)} GiB: hibernate or delete one${less}`,
    storage: () =>
      alone
        ? `the session needs ${gib(more)} GiB of storage, and ${gib(of)} GiB are allowed in all: ask for less`
        : `${gib(is)} of ${gib(of)} GiB of storage belong to sessions, and this one needs ${gib(more)} GiB: delete one${less}`,
  };
  return new StreamSpaceError('quota_exceeded', words[kind](), { quota: kind, used: is, limit: of, needed: more });
}
