import { type Cipher, createCipheriv } from 'node:crypto';

/** Bytes of a request: seed, bytes wanted, bytes promised. */
export const HEADER = 24;

export function writeHeader(about: { seed: number; down: number; up: number }): Buffer {
  const header = Buffer.alloc(HEADER);
  header.writeDoubleBE(about.seed, 0);
  header.writeDoubleBE(about.down, 8);
  header.writeDoubleBE(about.up, 16);
  return header;
}

export function readHeader(header: Buffer): { seed: number; down: number; up: number } {
  return { seed: header.readDoubleBE(0), down: header.readDoubleBE(8), up: header.readDoubleBE(16) };
}

/** Bytes that look random and are the same for the same seed: a byte that is lost, doubled, moved or blended shows. */
export class Keystream {
  readonly #cipher: Cipher;

  constructor(seed: number) {
    const key = Buffer.alloc(16);
    key.writeDoubleBE(seed, 0);
    this.#cipher = createCipheriv('aes-128-ctr', key, Buffer.alloc(16));
  }

  next(bytes: number): Buffer {
    return this.#cipher.update(Buffer.alloc(bytes));
  }
}
