import { LIMITS } from '../limits.ts';

/** Callbacks for the owner of a stream. None may throw; none is called after `onClose`. */
export interface StreamHandler {
  /** Bytes from the other end. `data` is only borrowed until the next tick unless kept by reference; call `consumed` once they left this process. */
  onData(data: Buffer, consumed: () => void): void;
  /** The other end will send no more; what it sent before has been delivered. */
  onEnd(): void;
  /** There is room again after a `write` that returned false. */
  onDrain(): void;
  /** The stream is over: both directions ended, or it was reset. `error` is absent for an orderly end. */
  onClose(error?: Error): void;
}

/**
 * Both directions of a stream of bytes on a link: SPEC.md [STR]. Counts the credit of each direction; the mux decides the order of sending.
 * Memory is bounded by {@link StreamState.highWater} for outgoing bytes, and by the granted credit for incoming ones.
 */
export class StreamState {
  readonly id: number;
  readonly handler: StreamHandler;

  /** Bytes that may still be sent before the other end grants more. */
  sendCredit: number;
  readonly queue: Buffer[] = [];
  queued = 0;
  ending = false;
  endSent = false;
  wantsDrain = false;
  /** The other end was told that this end has data and no credit; once per grant. */
  blockedSent = false;
  /** Whether the stream is in the mux's ring of streams with data to send. */
  scheduled = false;

  /** Bytes that the other end may still send. */
  receiveCredit: number;
  /** Received and not yet consumed by the handler. */
  unconsumed = 0;
  /** Consumed and not yet granted again. */
  ungranted = 0;
  window: number;
  endReceived = false;

  static readonly highWater = 64 * 1024;
  readonly lowWater: number;

  constructor(id: number, handler: StreamHandler, sendCredit: number, window: number, lowWater: number) {
    this.lowWater = lowWater;
    this.id = id;
    this.handler = handler;
    this.sendCredit = sendCredit;
    this.receiveCredit = window;
    this.window = window;
  }

  get sendable(): boolean {
    if (this.queued > 0) return this.sendCredit > 0;
    return this.ending && !this.endSent;
  }

  /** The next piece of the queue, at most `size` bytes and within the credit. */
  take(size: number): Buffer {
    const head = this.queue[0]!;
    const length = Math.min(head.length, size, this.sendCredit);
    if (length === head.length) this.queue.shift();
    else this.queue[0] = head.subarray(length);
    this.queued -= length;
    this.sendCredit -= length;
    return length === head.length ? head : head.subarray(0, length);
  }

  /** Counts received bytes; false when the other end sent more than it was granted [STR4]. */
  received(length: number): boolean {
    if (length > this.receiveCredit) return false;
    this.receiveCredit -= length;
    this.unconsumed += length;
    return true;
  }

  /** Counts consumed bytes; returns the credit to grant now (0: not yet worth a frame). */
  consumed(length: number): number {
    this.unconsumed -= length;
    this.ungranted += length;
    return this.ungranted < this.window / 4 ? 0 : this.#grant();
  }

  /** The other end has data and no credit left: the window grows if the consumer keeps up. Returns the credit to grant (0: none). */
  peerBlocked(): number {
    if (this.unconsumed > this.window / 4) return 0;
    const grown = Math.min(this.window * 2, LIMITS.maxCredit);
    this.ungranted += grown - this.window;
    this.window = grown;
    return this.#grant();
  }

  #grant(): number {
    const grant = this.ungranted;
    this.ungranted = 0;
    this.receiveCredit += grant;
    return grant;
  }
}
