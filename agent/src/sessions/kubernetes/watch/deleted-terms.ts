/** Number of deleted sessions whose terms are remembered. */
const REMEMBERED = 5_000;

/** The terms in which this process deleted sessions: an object that a lower term makes afterwards is removed. */
export class DeletedTerms {
  readonly #terms = new Map<string, number>();

  /** The highest term of a remembered delete; 0: none. */
  of(sessionId: string): number {
    return this.#terms.get(sessionId) ?? 0;
  }

  note(sessionId: string, term: number): void {
    const known = this.of(sessionId);
    this.#terms.delete(sessionId);
    this.#terms.set(sessionId, Math.max(known, term));
    const oldest = this.#terms.keys().next();
    if (this.#terms.size > REMEMBERED && !oldest.done) this.#terms.delete(oldest.value);
  }
}
