/** Deleted sessions whose terms are remembered. */
const REMEMBERED = 5_000;

/** In which term this process deleted a session: what lower ones make of it afterwards is not to stay. */
export class DeletedTerms {
  readonly #terms = new Map<string, number>();

  /** The highest, as far back as it remembers; 0: it did not. */
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
