import type { ByteReader } from './byte-reader.ts';
import type { Picture, Region } from './picture.ts';

/** RFC 6143 §7.7.4, 32-bit little-endian pixels. */
export async function decodeHextile(reader: ByteReader, picture: Picture, region: Region): Promise<void> {
  const pixel = async () => (await reader.take(4)).readUInt32LE() & 0xffffff;
  let background = 0;
  let foreground = 0;
  for (let y = region.y; y < region.y + region.height; y += 16) {
    for (let x = region.x; x < region.x + region.width; x += 16) {
      const tile = {
        x,
        y,
        width: Math.min(16, region.x + region.width - x),
        height: Math.min(16, region.y + region.height - y),
      };
      const flags = (await reader.take(1))[0]!;
      if (flags & 1) {
        const bytes = await reader.take(tile.width * tile.height * 4);
        picture.put(tile, (index) => bytes.readUInt32LE(4 * index) & 0xffffff);
        continue;
      }
      if (flags & 2) background = await pixel();
      if (flags & 4) foreground = await pixel();
      picture.fill(tile, background);
      const count = flags & 8 ? (await reader.take(1))[0]! : 0;
      for (let i = 0; i < count; i++) {
        const colour = flags & 16 ? await pixel() : foreground;
        const [position, size] = (await reader.take(2)) as unknown as [number, number];
        picture.fill(
          { x: x + (position >> 4), y: y + (position & 15), width: (size >> 4) + 1, height: (size & 15) + 1 },
          colour,
        );
      }
    }
  }
}
