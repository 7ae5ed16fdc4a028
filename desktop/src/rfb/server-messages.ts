import type { Framebuffer, Rect } from '../framebuffer.ts';
import { hextileBound, writeHextile } from './hextile.ts';
import { encodePixelFormat, NATIVE_FORMAT, type PixelWriter } from './pixel-format.ts';

export const ENCODING = { raw: 0, hextile: 5, cursor: -239 } as const;

export function serverInit(width: number, height: number, name: string): Buffer {
  const title = Buffer.from(name);
  const bytes = Buffer.alloc(24 + title.length);
  bytes.writeUInt16BE(width, 0);
  bytes.writeUInt16BE(height, 2);
  encodePixelFormat(NATIVE_FORMAT).copy(bytes, 4);
  bytes.writeUInt32BE(title.length, 20);
  title.copy(bytes, 24);
  return bytes;
}

/** RFB's clipboard has only Latin-1: other characters become `?`. */
export function serverCutText(text: string): Buffer {
  const latin = Buffer.from(text.replace(/[\u{100}-\u{10ffff}]/gu, '?'), 'latin1');
  const bytes = Buffer.alloc(8 + latin.length);
  bytes[0] = 3;
  bytes.writeUInt32BE(latin.length, 4);
  latin.copy(bytes, 8);
  return bytes;
}

/** The header of an update with `count` rectangles. */
export function updateHeader(count: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16BE(count, 2);
  return bytes;
}

export function rectHeader(rect: Rect, encoding: number): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt16BE(rect.x, 0);
  bytes.writeUInt16BE(rect.y, 2);
  bytes.writeUInt16BE(rect.width, 4);
  bytes.writeUInt16BE(rect.height, 6);
  bytes.writeInt32BE(encoding, 8);
  return bytes;
}

/** One rectangle of an update, with its header. */
export function encodeRect(frame: Framebuffer, rect: Rect, writer: PixelWriter, hextile: boolean): Buffer {
  const header = rectHeader(rect, hextile ? ENCODING.hextile : ENCODING.raw);
  if (hextile) {
    const bytes = Buffer.allocUnsafe(header.length + hextileBound(rect, writer.bytesPerPixel));
    header.copy(bytes);
    return bytes.subarray(0, writeHextile(frame, rect, writer, bytes, header.length));
  }
  const bytes = Buffer.allocUnsafe(header.length + rect.width * rect.height * writer.bytesPerPixel);
  header.copy(bytes);
  let offset = header.length;
  for (let y = rect.y; y < rect.y + rect.height; y++) {
    for (let x = rect.x; x < rect.x + rect.width; x++)
      offset = writer.write(bytes, offset, frame.pixels[y * frame.width + x]!);
  }
  return bytes;
}
