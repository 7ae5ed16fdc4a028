import type { SessionStatus } from '@streamspace/protocol';

/** What is so after operations: the state, `gone`, or undefined where not all that was asked was done. */
export type Ending = SessionStatus['state'] | 'gone' | undefined;
type TellListener = (sessionId: string, status: SessionStatus) => void;
type EndListener = (sessionId: string, ending: Ending) => void;

/** Operations of this process that go on: what they do is not news, except what a slow start waits for. */
export class Operations {
  readonly #counts = new Map<string, number>();
  /** Sessions of which something that was asked was not done. */
  readonly #failed = new Set<string>();
  readonly #tellers = new Set<TellListener>();
  readonly #enders = new Set<EndListener>();

  /** An operation on the session goes on. */
  concern(sessionId: string): boolean {
    return this.#counts.has(sessionId);
  }

  /** Runs one. */
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

  /** Words of one that goes on. */
  tell(sessionId: string, status: SessionStatus): void {
    for (const listener of this.#tellers) listener(sessionId, status);
  }

  /** `onEnd`: nothing goes on with the session any more. Returns how to stop it. */
  listen(onTold: TellListener, onEnd: EndListener): () => void {
    this.#tellers.add(onTold);
    this.#enders.add(onEnd);
    return () => {
      this.#tellers.delete(onTold);
      this.#enders.delete(onEnd);
    };
  }
}
