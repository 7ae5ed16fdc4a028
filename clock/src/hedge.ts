import type { Clock } from './clock.ts';

/** When tries that nobody has answered get company. Milliseconds, each from the try before it; the lists bound the tries. */
export interface HedgeOptions {
  /**
   * Once something has taken one of the tries: it may be a replica that is slow because it has much to do, and more of them would
   * make it slower.
   */
  readonly companyMs: readonly number[];
  /**
   * While nothing has: the address of a machine that is dead or cut off, which more tries do not burden. The same as `companyMs` where
   * the tries can't tell.
   */
  readonly silentMs?: readonly number[];
  /** Whether an attempt failed with somebody's answer, which decides. By default only success is one. */
  readonly answered?: (error: unknown) => boolean;
  /** Whether a failure that is no answer speaks of one replica only: where it was the last under way, the next is waited for. */
  readonly ofOneReplica?: (error: unknown) => boolean;
  /**
   * Tries of what has its effect once: one that is refused may have come after another of ours whose answer is still on its way, so the
   * others are waited for.
   */
  readonly once?: boolean;
}

/** A pause as often as told, for the lists of {@link HedgeOptions}. */
export const times = (count: number, ms: number): number[] => Array<number>(count).fill(ms);

/** @param taken Says that something took the try (a TCP connection stands), and an answer can be waited for. */
export type Attempt<T> = (signal: AbortSignal, taken: () => void) => Promise<T>;

/**
 * Begins `attempt`, and again beside it while there is no answer: behind one address there may be replicas that are dead or frozen. The
 * first that resolves, or is answered with a refusal, decides; the signals of the others abort. Rejects with the last failure when nobody
 * is there. `discard` gets what came too late.
 */
export function hedged<T>(
  clock: Clock,
  signal: AbortSignal,
  attempt: Attempt<T>,
  options: HedgeOptions,
  discard: (late: T) => void = () => {},
): Promise<T> {
  const no = () => false;
  const { companyMs, silentMs = companyMs, answered = no, ofOneReplica = no, once = false } = options;
  return new Promise((resolve, reject) => {
    const alive = new Set<AbortController>();
    /** Of those alive. */
    const taken = new Set<AbortController>();
    let company: { cancel(): void } | undefined;
    let [silent, patient, over] = [0, 0, false];
    let refusal: unknown;
    const settle = (how: () => void) => {
      over = true;
      company?.cancel();
      signal.removeEventListener('abort', onAbort);
      for (const other of alive) other.abort(new Error('another try was answered first'));
      how();
    };
    const onAbort = () => settle(() => reject(signal.reason as Error));
    const askForCompany = () => {
      company?.cancel();
      const wait = taken.size > 0 ? companyMs[patient++] : silentMs[silent++];
      company = wait === undefined ? undefined : clock.setTimeout(begin, wait);
    };
    const begin = () => {
      const own = new AbortController();
      alive.add(own);
      askForCompany();
      const onTaken = () => {
        if (over || refusal !== undefined || !alive.has(own) || taken.has(own)) return;
        taken.add(own);
        if (taken.size === 1) askForCompany();
      };
      attempt(own.signal, onTaken).then(
        (value) => {
          alive.delete(own);
          if (over) discard(value);
          else settle(() => resolve(value));
        },
        (error: unknown) => {
          alive.delete(own);
          taken.delete(own);
          if (answered(error)) {
            refusal ??= error;
            company?.cancel();
          }
          if (over || (alive.size > 0 && (once || refusal === undefined))) return;
          if (refusal === undefined && company !== undefined && ofOneReplica(error)) return;
          settle(() => reject((refusal ?? error) as Error));
        },
      );
    };
    if (signal.aborted) return reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    begin();
  });
}
