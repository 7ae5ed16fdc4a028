import type { SessionStatus } from '@streamspace/protocol';

type Listener = (sessionId: string, status: SessionStatus) => void;
/** `done`: all that was asked of the session was done. */
type EndListener = (sessionId: string, done: boolean) => void;

/** Deleted sessions whose terms are remembered. */
const REMEMBERED = 5_000;

/** Operations going on: what they do is not news, except what a slow start waits for. */
export class Busy {
  readonly #counts = new Map<string, number>();
  /** Sessions of which something that was asked was not done. */
  readonly #failed = new Set<string>();
  readonly #terms = new Map<string, number>();
  readonly #tellers = new Set<Listener>();
  readonly #enders = new Set<EndListener>();

  has(sessionId: string): boolean {
    return this.#counts.has(sessionId);
  }

  /** Highest term in which this process deleted the session, as far back as it remembers; 0: it did not. */
  deletedBy(sessionId: string): number {
    return this.#terms.get(sessionId) ?? 0;
  }

  /** The session was deleted in that term: what lower ones make of it afterwards is not to stay. */
  deleted(sessionId: string, term: number): void {
    const known = this.deletedBy(sessionId);
    this.#terms.delete(sessionId);
    this.#terms.set(sessionId, Math.max(known, term));
    const oldest = this.#terms.keys().next();
    if (this.#terms.size > REMEMBERED && !oldest.done) this.#terms.delete(oldest.value);
  }

  async during<T>(sessionId: string, work: () => Promise<T>): Promise<T> {
    this.#counts.set(sessionId, (this.#counts.get(sessionId) ?? 0) + 1);
    try {
      return await work();
    } catch (error) {
      this.#failed.add(sessionId);
      throw error;
    } finally {
      const left = this.#counts.get(sessionId)! - 1;
      if (left > 0) this.#counts.set(sessionId, left);
      else {
        this.#counts.delete(sessionId);
        const done = !this.#failed.delete(sessionId);
        for (const listener of this.#enders) listener(sessionId, done);
      }
    }
  }

  tell(sessionId: string, status: SessionStatus): void {
    for (const listener of this.#tellers) listener(sessionId, status);
  }

  /** `onTold`: words of a slow start. `onEnd`: nothing goes on with the session any more. Returns how to stop it. */
  listen(onTold: Listener, onEnd: EndListener): () => void {
    this.#tellers.add(onTold);
    this.#enders.add(onEnd);
    return () => {
      this.#tellers.delete(onTold);
      this.#enders.delete(onEnd);
    };
  }
}
