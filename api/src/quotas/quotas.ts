import { QUOTA_KINDS, type QuotaEntry, type QuotaKind } from '@streamspace/protocol';

/** Most of each kind; a kind without a limit is absent. CPU in cores, memory and storage in bytes. */
export type QuotaLimits = Readonly<Partial<Record<QuotaKind, number>>>;

/** Whose sessions are limited. */
export interface QuotaSubject {
  readonly user: string;
  /** The user's groups; empty where nothing tells them. */
  readonly groups: readonly string[];
}

/** The limits of each user, as they are declared. */
export interface Quotas {
  limitsOf(subject: QuotaSubject): QuotaLimits;
}

/**
 * The quotas of a file's entries. Each limit is the user's own, else the most generous one of the user's groups, else the one of the entry for
 * everybody [QUO1].
 */
export function quotasOf(entries: readonly QuotaEntry[]): Quotas {
  const users = new Map<string, QuotaEntry>();
  const groups = new Map<string, QuotaEntry>();
  let everybody: QuotaEntry = {};
  for (const entry of entries)
    if (entry.user !== undefined) users.set(entry.user, entry);
    else if (entry.group !== undefined) groups.set(entry.group, entry);
    else everybody = entry;

  return {
    limitsOf({ user, groups: memberships }) {
      const own = users.get(user);
      const shared = memberships.map((group) => groups.get(group));
      const limit = (kind: QuotaKind): number | undefined => {
        const most = shared.map((entry) => entry?.[kind]).filter((each) => each !== undefined);
        return own?.[kind] ?? (most.length > 0 ? Math.max(...most) : everybody[kind]);
      };
      const limits: Partial<Record<QuotaKind, number>> = {};
      for (const kind of QUOTA_KINDS) {
        const most = limit(kind);
        if (most !== undefined) limits[kind] = most;
      }
      return limits;
    },
  };
}
