import type { Rect } from '../framebuffer.ts';
import { ByteQueue } from './byte-queue.ts';
import { RfbError } from './error.ts';
import { decodePixelFormat, type PixelFormat } from './pixel-format.ts';

/** A viewer's messages, including the handshake: RFC 6143 §7.1–7.5. */
export type ClientMessage =
  | { readonly type: 'version'; readonly minor: 3 | 7 | 8 }
  | { readonly type: 'security'; readonly choice: number }
  | { readonly type: 'init'; readonly shared: boolean }
  | { readonly type: 'pixel_format'; readonly format: PixelFormat }
  | { readonly type: 'encodings'; readonly encodings: readonly number[] }
  | { readonly type: 'update_request'; readonly incremental: boolean; readonly rect: Rect }
  | { readonly type: 'key'; readonly down: boolean; readonly keysym: number }
  | { readonly type: 'pointer'; readonly buttons: number; readonly x: number; readonly y: number }
  | { readonly type: 'cut_text'; readonly text: string };

/** Longest clipboard text, bytes; the rest is cut off. */
export const CUT_TEXT = 256 * 1024;

/** Parses a viewer's bytes, in pieces of any size. Throws {@link RfbError} at the first invalid bytes; holds at most one message. */
export class ClientMessages {
  readonly #bytes = new ByteQueue();
  #next: () => ClientMessage | undefined = () => this.#version();
  #skip = 0;

  *read(chunk: Buffer): Generator<ClientMessage> {
    this.#bytes.push(chunk);
    for (;;) {
      this.#skip -= this.#bytes.skip(this.#skip);
      if (this.#skip > 0) return;
      const message = this.#next();
      if (!message) return;
      yield message;
    }
  }

  #version(): ClientMessage | undefined {
    const bytes = this.#bytes.take(12);
    if (!bytes) return undefined;
    const match = /^RFB 003\.(\d{3})\n$/.exec(bytes.toString('latin1'));
    if (!match) throw new RfbError('no RFB version 3');
    // RFC 6143 §7.1.1: an unknown version is treated as 3.3; newer versions than 3.8 are treated as 3.8
    const said = Number(match[1]);
    const minor = said >= 8 ? 8 : said === 7 ? 7 : 3;
    this.#next = minor === 3 ? () => this.#init() : () => this.#security();
    return { type: 'version', minor };
  }

  #security(): ClientMessage | undefined {
    const bytes = this.#bytes.take(1);
    if (!bytes) return undefined;
    this.#next = () => this.#init();
    return { type: 'security', choice: bytes[0]! };
  }

  #init(): ClientMessage | undefined {
    const bytes = this.#bytes.take(1);
    if (!bytes) return undefined;
    this.#next = () => this.#message();
    return { type: 'init', shared: bytes[0] !== 0 };
  }

  #message(): ClientMessage | undefined {
    const type = this.#bytes.peek(1)?.[0];
    switch (type) {
      case undefined:
        return undefined;
      case 0: {
        const bytes = this.#bytes.take(20);
        return bytes && { type: 'pixel_format', format: decodePixelFormat(bytes.subarray(4)) };
      }
      case 2:
        return this.#encodings();
      case 3: {
        const bytes = this.#bytes.take(10);
        return bytes && { type: 'update_request', incremental: bytes[1] !== 0, rect: readRect(bytes, 2) };
      }
      case 4: {
        const bytes = this.#bytes.take(8);
        return bytes && { type: 'key', down: bytes[1] !== 0, keysym: bytes.readUInt32BE(4) };
      }
      case 5: {
        const bytes = this.#bytes.take(6);
        return bytes && { type: 'pointer', buttons: bytes[1]!, x: bytes.readUInt16BE(2), y: bytes.readUInt16BE(4) };
      }
      case 6:
        return this.#cutText();
      default:
        throw new RfbError(`unknown message ${type}`);
    }
  }

  #encodings(): ClientMessage | undefined {
    const head = this.#bytes.peek(4);
    if (!head) return undefined;
    const count = head.readUInt16BE(2);
    const bytes = this.#bytes.take(4 + 4 * count);
    return (
      bytes && { type: 'encodings', encodings: Array.from({ length: count }, (_, i) => bytes.readInt32BE(4 + 4 * i)) }
    );
  }

  #cutText(): ClientMessage | undefined {
    const head = this.#bytes.peek(8);
    if (!head) return undefined;
    // negative lengths belong to an extension that this server does not offer
    const length = head.readInt32BE(4);
    if (length < 0) throw new RfbError('clipboard text of negative length');
    const kept = Math.min(length, CUT_TEXT);
    const bytes = this.#bytes.take(8 + kept);
    if (!bytes) return undefined;
    this.#skip = length - kept;
    return { type: 'cut_text', text: bytes.toString('latin1', 8) };
  }
}

function readRect(bytes: Buffer, offset: number): Rect {
  return {
    x: bytes.readUInt16BE(offset),
    y: bytes.readUInt16BE(offset + 2),
    width: bytes.readUInt16BE(offset + 4),
    height: bytes.readUInt16BE(offset + 6),
  };
}
