import type { PixelWriter } from './rfb/pixel-format.ts';
import { ENCODING, rectHeader } from './rfb/server-messages.ts';

/** An arrow: `#` ink, `.` its light edge. The hot spot is at the top left. */
const ARROW = [
  '..          ',
  '.#.         ',
  '.##.        ',
  '.###.       ',
  '.####.      ',
  '.#####.     ',
  '.######.    ',
  '.#######.   ',
  '.########.  ',
  '.#########. ',
  '.######.....',
  '.###.##.    ',
  '.##. .##.   ',
  '.#.  .##.   ',
  '..    .##.  ',
  '      .##.  ',
  '       ..   ',
];

/** The pointer's shape as a rectangle of an update (cursor pseudo-encoding: pixels, then a mask of one bit each). */
export function cursorRect(writer: PixelWriter): Buffer {
  const width = ARROW[0]!.length;
  const height = ARROW.length;
  const pixels = Buffer.alloc(width * height * writer.bytesPerPixel);
  const stride = Math.ceil(width / 8);
  const mask = Buffer.alloc(stride * height);
  let offset = 0;
  ARROW.forEach((row, y) => {
    for (let x = 0; x < width; x++) {
      offset = writer.write(pixels, offset, row[x] === '#' ? 0x1d2433 : 0xffffff);
      if (row[x] !== ' ') mask[y * stride + (x >> 3)]! |= 0x80 >> (x & 7);
    }
  });
  return Buffer.concat([rectHeader({ x: 0, y: 0, width, height }, ENCODING.cursor), pixels, mask]);
}
