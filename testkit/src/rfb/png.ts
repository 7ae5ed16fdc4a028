import { crc32, deflateSync } from 'node:zlib';
import type { Picture } from './picture.ts';

/** A picture as a PNG file's bytes (8-bit RGB), for looking at what a test saw. */
export function png(picture: Picture): Buffer {
  const rows = Buffer.alloc(picture.height * (1 + 3 * picture.width));
  let offset = 0;
  for (let y = 0; y < picture.height; y++) {
    rows[offset++] = 0;
    for (let x = 0; x < picture.width; x++) offset = rows.writeUIntBE(picture.at(x, y), offset, 3);
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(picture.width, 0);
  header.writeUInt32BE(picture.height, 4);
  header[8] = 8;
  header[9] = 2;
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}
