/** Most operations that wait for the platform without a slot; further ones keep their slots. */
const MAX_AWAY = 256;

/** Counts the begun operations against the number that may run at once. */
export class Slots<T> {
  readonly #size: number;
  readonly #onFree: () => void;
  readonly #held = new Set<T>();
  readonly #away = new Set<T>();
  /** Operations that wait for their slot again, in order. */
  readonly #returning = new Map<T, () => void>();

  /** `onFree`: a new operation may begin. */
  constructor(size: number, onFree: () => void) {
    this.#size = size;
    this.#onFree = onFree;
  }

  /** Whether a new operation may begin: returning ones go first. */
  get free(): boolean {
    return this.#held.size < this.#size;
  }

  take(operation: T): void {
    this.#held.add(operation);
  }

  /** The operation waits for the platform. */
  leave(operation: T): void {
    if (this.#away.size >= MAX_AWAY || !this.#held.delete(operation)) return;
    this.#away.add(operation);
    this.#next();
  }

  /** Resolves when the operation has its slot again; rejects when the signal aborts before. */
  async regain(operation: T, signal: AbortSignal): Promise<void> {
    if (!this.#away.has(operation)) return;
    signal.throwIfAborted();
    await outcomeOf(signal, (resolve) => {
      this.#returning.set(operation, resolve);
      this.#next();
      return () => this.#returning.delete(operation);
    });
  }

  /** The operation has ended. */
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
import { outcomeOf } from 'clock-port';
