import type { SessionStatus } from '@streamspace/protocol';

type Listener = (sessionId: string, status: SessionStatus) => void;
type EndListener = (sessionId: string) => void;

/** Deleted or changed sessions whose terms are remembered. */
const REMEMBERED = 5_000;

/** Operations going on: what they do is not news, except what a slow start waits for. */
export class Busy {
  readonly #counts = new Map<string, number>();
  readonly #terms = new Map<string, number>();
  readonly #tellers = new Set<Listener>();
  readonly #enders = new Set<EndListener>();

  has(sessionId: string): boolean {
    return this.#counts.has(sessionId);
  }

  /** Highest term of this process's operations on the session, as far back as it remembers. */
  term(sessionId: string): number {
    return this.#terms.get(sessionId) ?? 0;
  }

  async during<T>(sessionId: string, term: number, work: () => Promise<T>): Promise<T> {
    this.#counts.set(sessionId, (this.#counts.get(sessionId) ?? 0) + 1);
    this.#remember(sessionId, term);
    try {
      return await work();
    } finally {
      const left = this.#counts.get(sessionId)! - 1;
      if (left > 0) this.#counts.set(sessionId, left);
      else {
        this.#counts.delete(sessionId);
        for (const listener of this.#enders) listener(sessionId);
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

  #remember(sessionId: string, term: number): void {
    const known = this.term(sessionId);
    this.#terms.delete(sessionId);
    this.#terms.set(sessionId, Math.max(known, term));
    const oldest = this.#terms.keys().next();
    if (this.#terms.size > REMEMBERED && !oldest.done) this.#terms.delete(oldest.value);
  }
}
