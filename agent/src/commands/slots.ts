/** Operations that may wait for the platform without a slot; more of them keep theirs. */
const MAX_AWAY = 256;

/** Which of the operations that have begun count among those that may go on at once. */
export class Slots<T> {
  readonly #size: number;
  readonly #onFree: () => void;
  readonly #held = new Set<T>();
  readonly #away = new Set<T>();
  /** Those that want theirs back, in order. */
  readonly #returning = new Map<T, () => void>();

  /** `onFree`: something new may begin. */
  constructor(size: number, onFree: () => void) {
    this.#size = size;
    this.#onFree = onFree;
  }

  /** Whether something new may begin: what comes back goes first. */
  get free(): boolean {
    return this.#held.size < this.#size;
  }

  take(operation: T): void {
    this.#held.add(operation);
  }

  /** It waits for the platform. */
  leave(operation: T): void {
    if (this.#away.size >= MAX_AWAY || !this.#held.delete(operation)) return;
    this.#away.add(operation);
    this.#next();
  }

  /** Resolves when it has its slot again; rejects when the signal aborts before. */
  async regain(operation: T, signal: AbortSignal): Promise<void> {
    if (!this.#away.has(operation)) return;
    signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const onAbort = () => {
        this.#returning.delete(operation);
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#returning.set(operation, () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      });
      this.#next();
    });
  }

  /** It is over. */
  end(operation: T): void {
    this.#held.delete(operation);
    this.#away.delete(operation);
    this.#returning.delete(operation);
    this.#next();
  }

  #next(): void {
    for (const [operation, goOn] of this.#returning) {
      if (!this.free) return;
      this.#returning.delete(operation);
      this.#away.delete(operation);
      this.#held.add(operation);
      goOn();
    }
    if (this.free) this.#onFree();
  }
}
