import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';

const ANY_DISPLAY = 0xffff;

/**
 * Writes an X authority file with a fresh cookie for any display (its number is not known yet): without a cookie, every local user could open
 * the session's X display. Format: family, then address, number, name and data, each a 16-bit length and bytes.
 */
export async function writeXauthority(path: string): Promise<void> {
  const field = (bytes: Buffer | string) => {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(bytes.length);
    return Buffer.concat([length, Buffer.from(bytes)]);
  };
  const family = Buffer.alloc(2);
  family.writeUInt16BE(ANY_DISPLAY);
  const entry = [family, field(''), field(''), field('MIT-MAGIC-COOKIE-1'), field(randomBytes(16))];
  await writeFile(path, Buffer.concat(entry), { mode: 0o600 });
}
