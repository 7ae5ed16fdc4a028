/** Why a lease could be taken. `adopted`: it named this very replica (the answer to an earlier claim was lost). */
export type ElectionReason = 'created' | 'released' | 'expired' | 'deleted' | 'holder_gone' | 'adopted';

/** Why leadership ended. `superseded`: another holder or a greater term was seen. */
export type LossReason = 'superseded' | 'deleted' | 'renew_deadline' | 'yielded' | 'stopped';

export interface ElectorEvents {
  /** This replica leads from now on. `electionMs`: from the sight of the free lease to its acquisition. */
  elected: { term: number; reason: ElectionReason; previousHolder: string; electedAt: string; electionMs: number };
  /** This replica no longer leads; the leadership's signal has aborted. */
  lost: { term: number; reason: LossReason; detail: string; lostAt: string };
  /** The lease was extended. */
  renewed: { term: number; latencyMs: number };
  /** The term was raised in place, see `Elector.raiseTerm`. */
  raised: { term: number; previousTerm: number };
  /** Another holder or term than before was seen (`holder` is `''` when there is none). */
  observed: { holder: string; term: number };
  /** A call to the lock failed; the elector goes on. `during` is a constant string. */
  error: { during: string; error: unknown };
}

export type Listener<T> = (event: T) => void;

/** A minimal typed emitter. Listeners run at once, in order of subscription; one that throws does not prevent the others. */
export class Emitter<Events> {
  readonly #listeners = new Map<keyof Events, Set<Listener<never>>>();

  /** Subscribes; the function returned unsubscribes. */
  on<K extends keyof Events>(type: K, listener: Listener<Events[K]>): () => void {
    let set = this.#listeners.get(type);
    if (!set) this.#listeners.set(type, (set = new Set()));
    set.add(listener);
    return () => set.delete(listener);
  }

  /** Returns the errors thrown by the listeners. */
  emit<K extends keyof Events>(type: K, event: Events[K]): unknown[] {
    const thrown: unknown[] = [];
    for (const listener of this.#listeners.get(type) ?? []) {
      try {
        (listener as Listener<Events[K]>)(event);
      } catch (error) {
        thrown.push(error);
      }
    }
    return thrown;
  }
}
