const KIB = 1024;

/**
 * Bounds of a store's events in number and in bytes (JSON); a single larger event is kept until the next one.
 * `updates` and `others`: the two parts of an agent's timeline.
 */
export const KEPT_EVENTS = {
  all: { count: 5_000, bytes: 8 * KIB * KIB },
  updates: { count: 64, bytes: 128 * KIB },
  others: { count: 192, bytes: 256 * KIB },
} as const;

/** Before the first entry of the audit log. */
export const FIRST_AUDIT_HEAD = { seq: 0, hash: '0'.repeat(64) } as const;
