/**
 * Time as a port. Code that waits takes a {@link Clock}, so that tests control time; only this folder and
 * the programs' `main` use the platform's timers.
 */
export interface Clock {
  /** Wall-clock time in milliseconds since 1970 (UTC). For people and records; never for measuring how long something took. */
  now(): number;
  /** Milliseconds from an arbitrary origin, never running backwards. For durations and expiry. */
  monotonic(): number;
  /** Calls `fn` once, `ms` milliseconds from now (0 when negative). The timer does not keep the process alive by itself unless `ref`. */
  setTimeout(fn: () => void, ms: number): Timer;
}

export interface Timer {
  /** Idempotent; after it the callback will not run. */
  cancel(): void;
}
