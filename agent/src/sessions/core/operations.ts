import type { SessionStatus } from '@streamspace/protocol';

/** Result of operations: the session's state, `gone`, or undefined if an operation was not completed. */
export type Ending = SessionStatus['state'] | 'gone' | undefined;
type TellListener = (sessionId: string, status: SessionStatus) => void;
type EndListener = (sessionId: string, ending: Ending) => void;

/** Running operations of this process. Watches do not report the changes that they make, except the reason why a slow start waits. */
export class Operations {
  readonly #counts = new Map<string, number>();
  /** Sessions with an operation that was not completed. */
  readonly #failed = new Set<string>();
  readonly #tellers = new Set<TellListener>();
  readonly #enders = new Set<EndListener>();

  /** Whether an operation on the session is running. */
  concern(sessionId: string): boolean {
    return this.#counts.has(sessionId);
  }

  /** Sessions with a running operation, now. */
  now(): ReadonlySet<string> {
    return new Set(this.#counts.keys());
  }

  /** Runs an operation. */
  async during<T extends SessionStatus | void>(sessionId: string, work: () => Promise<T>): Promise<T> {
    this.#counts.set(sessionId, (this.#counts.get(sessionId) ?? 0) + 1);
    let ending: Ending;
    try {
      const status = await work();
      ending = status ? status.state : 'gone';
      return status;
    } catch (error) {
      this.#failed.add(sessionId);
      throw error;
    } finally {
      const left = this.#counts.get(sessionId)! - 1;
      if (left > 0) this.#counts.set(sessionId, left);
      else {
        this.#counts.delete(sessionId);
        if (this.#failed.delete(sessionId)) ending = undefined;
        for (const listener of this.#enders) listener(sessionId, ending);
      }
    }
  }

  /** Reports a status from a running operation. */
  tell(sessionId: string, status: SessionStatus): void {
    for (const listener of this.#tellers) listener(sessionId, status);
  }

  /** `onEnd`: the last running operation on the session has ended. Returns a function that ends the subscription. */
  listen(onTold: TellListener, onEnd: EndListener): () => void {
    this.#tellers.add(onTold);
    this.#enders.add(onEnd);
    return () => {
      this.#tellers.delete(onTold);
      this.#enders.delete(onEnd);
    };
  }
}
