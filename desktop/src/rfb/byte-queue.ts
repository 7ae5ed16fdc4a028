/** Bytes that arrive in pieces of any size and are read in others. Joins pieces only when enough bytes have arrived. */
export class ByteQueue {
  #chunks: Buffer[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  /** The next `count` bytes, which stay in the queue; undefined when fewer have arrived. */
  peek(count: number): Buffer | undefined {
    if (this.#length < count) return undefined;
    if ((this.#chunks[0]?.length ?? 0) < count) this.#chunks = [Buffer.concat(this.#chunks, this.#length)];
    return this.#chunks[0]?.subarray(0, count) ?? Buffer.alloc(0);
  }

  take(count: number): Buffer | undefined {
    const bytes = this.peek(count);
    if (bytes) this.skip(count);
    return bytes;
  }

  /** Drops up to `count` bytes; returns the number of dropped bytes. */
  skip(count: number): number {
    let left = Math.min(count, this.#length);
    const skipped = left;
    this.#length -= left;
    while (left > 0) {
      const first = this.#chunks[0]!;
      if (first.length > left) {
        this.#chunks[0] = first.subarray(left);
        break;
      }
      left -= first.length;
      this.#chunks.shift();
    }
    return skipped;
  }
}
