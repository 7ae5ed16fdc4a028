import { PassThrough } from 'node:stream';
import { Picture } from '@streamspace/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader } from '../../../testkit/src/rfb/byte-reader.ts';
import { decodeHextile } from '../../../testkit/src/rfb/hextile.ts';
import { Framebuffer } from '../../src/framebuffer.ts';
import { hextileBound, writeHextile } from '../../src/rfb/hextile.ts';
import { NATIVE_FORMAT, PixelWriter } from '../../src/rfb/pixel-format.ts';

describe('hextile', () => {
  it('decodes to the picture it was made from, and never takes more than it says', async () => {
    const frames = fc
      .record({
        width: fc.integer({ min: 1, max: 50 }),
        height: fc.integer({ min: 1, max: 40 }),
        colours: fc.array(fc.nat(0xffffff), { minLength: 1, maxLength: 40 }),
        rects: fc.array(fc.tuple(fc.nat(49), fc.nat(39), fc.nat(20), fc.nat(20), fc.nat()), { maxLength: 60 }),
        noise: fc.boolean(),
      })
      .map(({ width, height, colours, rects, noise }) => {
        const frame = new Framebuffer(width, height);
        frame.pixels.fill(colours[0]!);
        for (const [x, y, w, h, colour] of rects) {
          for (let row = y; row < Math.min(height, y + h); row++) {
            frame.pixels.fill(
              colours[colour % colours.length]!,
              row * width + Math.min(x, width),
              row * width + Math.min(width, x + w),
            );
          }
        }
        if (noise) frame.pixels.forEach((pixel, i) => (frame.pixels[i] = (pixel + i * 7919) & 0xffffff));
        return frame;
      });
    await fc.assert(
      fc.asyncProperty(frames, async (frame) => {
        const writer = new PixelWriter(NATIVE_FORMAT);
        const target = Buffer.alloc(hextileBound(frame.bounds, 4) + 8, 0xee);
        const end = writeHextile(frame, frame.bounds, writer, target, 0);
        expect(end).toBeLessThanOrEqual(target.length - 8);
        expect(target.subarray(-8).every((byte) => byte === 0xee)).toBe(true);
        const stream = new PassThrough();
        stream.end(target.subarray(0, end));
        const reader = new ByteReader(stream);
        const picture = new Picture(frame.width, frame.height);
        await decodeHextile(reader, picture, frame.bounds);
        expect(reader.taken).toBe(end);
        expect(picture.pixels).toEqual(frame.pixels);
      }),
      { numRuns: 300 },
    );
  });
});
