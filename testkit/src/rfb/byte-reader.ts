import type { Duplex } from 'node:stream';

/** Awaits exact numbers of bytes from a stream; every wait ends when the stream does. */
export class ByteReader {
  readonly #stream: Duplex;
  #chunks: Buffer[] = [];
  #length = 0;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;
  /** Bytes taken so far. */
  taken = 0;

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#length += chunk.length;
      // the reader decides the speed: one pause bounds the bytes that wait here
      if (this.#length > 4 * 1024 * 1024) stream.pause();
      this.#wake?.();
    });
    const fail = (error: Error) => {
      this.#failure ??= error;
      this.#wake?.();
    };
    stream.on('error', fail);
    stream.on('end', () => fail(new Error('the stream ended')));
    stream.on('close', () => fail(new Error('the stream was closed')));
  }

  async take(count: number): Promise<Buffer> {
    while (this.#length < count) {
      if (this.#failure) throw this.#failure;
      this.#stream.resume();
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    if ((this.#chunks[0]?.length ?? 0) < count) this.#chunks = [Buffer.concat(this.#chunks)];
    const first = this.#chunks[0] ?? Buffer.alloc(0);
    const bytes = first.subarray(0, count);
    if (first.length === count) this.#chunks.shift();
    else this.#chunks[0] = first.subarray(count);
    this.#length -= count;
    this.taken += count;
    if (this.#length <= 4 * 1024 * 1024) this.#stream.resume();
    return bytes;
  }
}
