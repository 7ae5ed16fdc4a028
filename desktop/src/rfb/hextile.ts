import type { Framebuffer, Rect } from '../framebuffer.ts';
import type { PixelWriter } from './pixel-format.ts';

const TILE = 16;
const RAW = 1;
const BACKGROUND = 2;
const FOREGROUND = 4;
const SUBRECTS = 8;
const COLOURED = 16;

/** Most bytes of an encoded rectangle. */
export function hextileBound(rect: Rect, bytesPerPixel: number): number {
  const tiles = Math.ceil(rect.width / TILE) * Math.ceil(rect.height / TILE);
  return tiles + rect.width * rect.height * bytesPerPixel;
}

/**
 * RFC 6143 §7.7.4: tiles of 16 × 16 pixels, each a background with rectangles on it. The encoding is cheap, has no state between updates, and
 * is small for a screen of flat colours and text. Returns the offset after the written bytes.
 */
export function writeHextile(
  frame: Framebuffer,
  rect: Rect,
  writer: PixelWriter,
  target: Buffer,
  start: number,
): number {
  let offset = start;
  let background = -1;
  for (let y = rect.y; y < rect.y + rect.height; y += TILE) {
    const height = Math.min(TILE, rect.y + rect.height - y);
    for (let x = rect.x; x < rect.x + rect.width; x += TILE) {
      const tile = readTile(frame, x, y, Math.min(TILE, rect.x + rect.width - x), height);
      const encoded = writeTile(tile, background, writer, target, offset);
      if (encoded === undefined) {
        target[offset++] = RAW;
        for (const pixel of tile.pixels) offset = writer.write(target, offset, pixel);
        background = -1;
      } else {
        offset = encoded;
        background = tile.background;
      }
    }
  }
  return offset;
}

interface Tile {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint32Array;
  /** The tile's most frequent colour. */
  readonly background: number;
  /** The tile's only other colour, or -1 when there are several. */
  readonly foreground: number;
}

function readTile(frame: Framebuffer, x: number, y: number, width: number, height: number): Tile {
  const pixels = new Uint32Array(width * height);
  for (let row = 0; row < height; row++) {
    const from = (y + row) * frame.width + x;
    pixels.set(frame.pixels.subarray(from, from + width), row * width);
  }
  const counts = new Map<number, number>();
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  let background = pixels[0]!;
  for (const [colour, count] of counts) if (count > counts.get(background)!) background = colour;
  const others = [...counts.keys()].filter((colour) => colour !== background);
  return { width, height, pixels, background, foreground: others.length === 1 ? others[0]! : -1 };
}

/** Undefined when the encoding would be longer than the pixels themselves: then ignore the written bytes. */
function writeTile(
  tile: Tile,
  lastBackground: number,
  writer: PixelWriter,
  target: Buffer,
  start: number,
): number | undefined {
  const { width, height, background, foreground } = tile;
  const pixels = tile.pixels.slice();
  const end = start + width * height * writer.bytesPerPixel;
  let offset = start + 1;
  let flags = 0;
  if (background !== lastBackground) {
    flags |= BACKGROUND;
    offset = writer.write(target, offset, background);
  }
  const two = foreground >= 0;
  if (two) {
    flags |= FOREGROUND;
    offset = writer.write(target, offset, foreground);
  }
  const countAt = offset++;
  let count = 0;
  const need = 2 + (two ? 0 : writer.bytesPerPixel);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const colour = pixels[y * width + x]!;
      if (colour === background) continue;
      if (count === 255 || offset + need > end) return undefined;
      const size = cutRect(pixels, tile, x, y);
      if (!two) offset = writer.write(target, offset, colour);
      target[offset++] = (x << 4) | y;
      target[offset++] = ((size.width - 1) << 4) | (size.height - 1);
      count++;
    }
  }
  if (count === 0) offset = countAt;
  else {
    flags |= SUBRECTS | (two ? 0 : COLOURED);
    target[countAt] = count;
  }
  target[start] = flags;
  return offset;
}

/** The rectangle of one colour to the right of and below a pixel; paints it over with the background, so that it is found only once. */
function cutRect(pixels: Uint32Array, tile: Tile, x: number, y: number): { width: number; height: number } {
  const at = (column: number, row: number) => row * tile.width + column;
  const colour = pixels[at(x, y)]!;
  let width = 1;
  while (x + width < tile.width && pixels[at(x + width, y)] === colour) width++;
  let height = 1;
  grow: while (y + height < tile.height) {
    for (let column = x; column < x + width; column++) if (pixels[at(column, y + height)] !== colour) break grow;
    height++;
  }
  for (let row = y; row < y + height; row++) pixels.fill(tile.background, at(x, row), at(x + width, row));
  return { width, height };
}
