import type { Clock } from './clock.ts';
import { whenAborted } from './waiting.ts';

/** When further attempts begin beside unanswered ones. Milliseconds, each from the attempt before it; the lists bound the number of attempts. */
export interface HedgeOptions {
  /**
   * Pauses once one attempt is accepted: its replica may be slow because it is busy, and more attempts would
   * make it slower.
   */
  readonly companyMs: readonly number[];
  /**
   * Pauses while no attempt is accepted: the machine is dead or cut off, so more attempts do no harm. The same as `companyMs` if
   * the attempts can't tell.
   */
  readonly silentMs?: readonly number[];
  /** Whether an attempt failed with somebody's answer, which decides. By default only success is one. */
  readonly answered?: (error: unknown) => boolean;
  /** Whether a failure that is no answer speaks of one replica only: where it was the last under way, the next is waited for. */
  readonly ofOneReplica?: (error: unknown) => boolean;
  /**
   * For requests that have their effect once: a refused attempt may have arrived after another one whose answer is still on its way, so the
   * outcome of the others is awaited.
   */
  readonly once?: boolean;
}

/** A number of equal pauses, for the lists of {@link HedgeOptions}. */
export const times = (count: number, ms: number): number[] => Array<number>(count).fill(ms);

/** @param taken Reports that the attempt is accepted (its TCP connection is open), so that an answer may come. */
export type Attempt<T> = (signal: AbortSignal, taken: () => void) => Promise<T>;

/**
 * Begins `attempt`, and parallel ones while there is no answer: replicas behind one address may be dead or frozen. The
 * first that resolves, or is refused by an answer, decides; the signals of the others abort. Rejects with the last failure when nothing
 * answers. `discard` gets results that came too late.
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
      forget();
      for (const other of alive) other.abort(new Error('another try was answered first'));
      how();
    };
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
    signal.throwIfAborted();
    const forget = whenAborted(signal, () => settle(() => reject(signal.reason as Error)));
    begin();
  });
}
