import type { Clock } from 'clock-port';
import { asStreamSpaceError } from '@streamspace/protocol';

export interface HedgeOptions {
  /**
   * Milliseconds without an answer after which the tries so far get company, one after the other: behind one address there may be replicas
   * that are dead or frozen. Their number bounds how often a hub is asked that is slow because it has much to do.
   */
  readonly companyMs: readonly number[];
  /**
   * Tries of what has its effect once: one that is refused may have come after another of ours whose answer is still on its way, so the
   * others are waited for.
   */
  readonly once?: boolean;
}

/** Soon: with two of three replicas dead, five more tries leave one in eleven without an answer; then patiently. */
export const CONNECTION: HedgeOptions = { companyMs: [500, 500, 500, 500, 500, 2_000, 2_000, 2_000, 2_000] };

/** Whether somebody was there: an answer counts, whatever it says. Nobody there is told by the network only. */
const answered = (error: unknown): boolean => {
  const { code, details } = asStreamSpaceError(error, 'agent_offline');
  return code !== 'agent_offline' || details['status'] !== undefined;
};

/**
 * Begins `attempt`, and again beside it while there is no answer. The first that resolves, or is answered with a refusal, decides; the
 * signals of the others abort. Rejects with the last failure when nobody is there. `discard` gets what came too late.
 */
export function hedged<T>(
  clock: Clock,
  signal: AbortSignal,
  attempt: (signal: AbortSignal) => Promise<T>,
  discard: (late: T) => void = () => {},
  { companyMs, once = false }: HedgeOptions = CONNECTION,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const alive = new Set<AbortController>();
    let company: { cancel(): void } | undefined;
    let [begun, over] = [0, false];
    let refusal: unknown;
    const settle = (how: () => void) => {
      over = true;
      company?.cancel();
      signal.removeEventListener('abort', onAbort);
      for (const other of alive) other.abort(new Error('another try was answered first'));
      how();
    };
    const onAbort = () => settle(() => reject(signal.reason as Error));
    const begin = () => {
      const own = new AbortController();
      alive.add(own);
      const wait = companyMs[begun++];
      company = wait === undefined ? undefined : clock.setTimeout(begin, wait);
      attempt(own.signal).then(
        (value) => {
          alive.delete(own);
          if (over) discard(value);
          else settle(() => resolve(value));
        },
        (error: unknown) => {
          alive.delete(own);
          if (answered(error)) {
            refusal ??= error;
            company?.cancel();
          }
          if (over || (alive.size > 0 && (once || refusal === undefined))) return;
          settle(() => reject((refusal ?? error) as Error));
        },
      );
    };
    if (signal.aborted) return reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    begin();
  });
}
