const KIB = 1024;

/**
 * How many events a store keeps, and of how many bytes (JSON) together; one that is greater by itself is kept until the next comes.
 * `updates` and `others`: the two parts of an agent's timeline.
 */
export const KEPT_EVENTS = {
  all: { count: 5_000, bytes: 8 * KIB * KIB },
  updates: { count: 64, bytes: 128 * KIB },
  others: { count: 192, bytes: 256 * KIB },
} as const;
