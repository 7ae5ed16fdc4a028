import { RfbError } from './error.ts';

/** A viewer's requested pixel format: RFC 6143 §7.4. */
export interface PixelFormat {
  readonly bitsPerPixel: 8 | 16 | 32;
  readonly depth: number;
  readonly bigEndian: boolean;
  readonly redMax: number;
  readonly greenMax: number;
  readonly blueMax: number;
  readonly redShift: number;
  readonly greenShift: number;
  readonly blueShift: number;
}

/** 0x00RRGGBB, little endian. */
export const NATIVE_FORMAT: PixelFormat = {
  bitsPerPixel: 32,
  depth: 24,
  bigEndian: false,
  redMax: 255,
  greenMax: 255,
  blueMax: 255,
  redShift: 16,
  greenShift: 8,
  blueShift: 0,
};

/** The format as 16 bytes on the wire. */
export function encodePixelFormat(format: PixelFormat): Buffer {
  const bytes = Buffer.alloc(16);
  bytes[0] = format.bitsPerPixel;
  bytes[1] = format.depth;
  bytes[2] = format.bigEndian ? 1 : 0;
  bytes[3] = 1;
  bytes.writeUInt16BE(format.redMax, 4);
  bytes.writeUInt16BE(format.greenMax, 6);
  bytes.writeUInt16BE(format.blueMax, 8);
  bytes[10] = format.redShift;
  bytes[11] = format.greenShift;
  bytes[12] = format.blueShift;
  return bytes;
}

/** Throws {@link RfbError} for any format but true colour of 8, 16 or 32 bits. */
export function decodePixelFormat(bytes: Buffer): PixelFormat {
  const bitsPerPixel = bytes[0];
  if (bitsPerPixel !== 8 && bitsPerPixel !== 16 && bitsPerPixel !== 32)
    throw new RfbError('pixel format: not 8, 16 or 32 bits per pixel');
  if (bytes[3] === 0) throw new RfbError('pixel format: colour maps are not supported, ask for true colour');
  const format: PixelFormat = {
    bitsPerPixel,
    depth: bytes[1]!,
    bigEndian: bytes[2] !== 0,
    redMax: bytes.readUInt16BE(4),
    greenMax: bytes.readUInt16BE(6),
    blueMax: bytes.readUInt16BE(8),
    redShift: bytes[10]!,
    greenShift: bytes[11]!,
    blueShift: bytes[12]!,
  };
  const fits = (max: number, shift: number) => max * 2 ** shift < 2 ** bitsPerPixel;
  if (
    !fits(format.redMax, format.redShift) ||
    !fits(format.greenMax, format.greenShift) ||
    !fits(format.blueMax, format.blueShift)
  ) {
    throw new RfbError('pixel format: a colour does not fit into the pixel');
  }
  return format;
}

/** Converts 0xRRGGBB to a viewer's pixels by three small tables. */
export class PixelWriter {
  readonly format: PixelFormat;
  readonly bytesPerPixel: number;
  readonly #red: Uint32Array;
  readonly #green: Uint32Array;
  readonly #blue: Uint32Array;

  constructor(format: PixelFormat) {
    this.format = format;
    this.bytesPerPixel = format.bitsPerPixel / 8;
    const table = (max: number, shift: number) =>
      Uint32Array.from({ length: 256 }, (_, value) => Math.round((value * max) / 255) * 2 ** shift);
    this.#red = table(format.redMax, format.redShift);
    this.#green = table(format.greenMax, format.greenShift);
    this.#blue = table(format.blueMax, format.blueShift);
  }

  /** Writes one pixel; returns the offset after it. */
  write(target: Buffer, offset: number, rgb: number): number {
    const value = (this.#red[rgb >>> 16]! | this.#green[(rgb >>> 8) & 255]! | this.#blue[rgb & 255]!) >>> 0;
    switch (this.format.bitsPerPixel) {
      case 32:
        return this.format.bigEndian ? target.writeUInt32BE(value, offset) : target.writeUInt32LE(value, offset);
      case 16:
        return this.format.bigEndian ? target.writeUInt16BE(value, offset) : target.writeUInt16LE(value, offset);
      case 8:
        return target.writeUInt8(value, offset);
    }
  }
}
