import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Damage } from '../../src/damage.ts';
import { intersection, type Rect } from '../../src/framebuffer.ts';

const rect: fc.Arbitrary<Rect> = fc.record({
  x: fc.nat(30),
  y: fc.nat(30),
  width: fc.integer({ min: 1, max: 12 }),
  height: fc.integer({ min: 1, max: 12 }),
});
const covers = (rects: readonly Rect[], x: number, y: number) =>
  rects.some((r) => intersection(r, { x, y, width: 1, height: 1 }));

describe('Damage', () => {
  it('forgets no pixel: what is within a request is taken, the rest stays for the next', () => {
    fc.assert(
      fc.property(fc.array(rect, { maxLength: 40 }), rect, (rects, part) => {
        const damage = new Damage();
        for (const one of rects) damage.add(one);
        const first = damage.take(part);
        const rest = damage.take({ x: 0, y: 0, width: 100, height: 100 });
        for (const one of rects) {
          for (let y = one.y; y < one.y + one.height; y++) {
            for (let x = one.x; x < one.x + one.width; x++) {
              expect(covers(covers([part], x, y) ? first : rest, x, y)).toBe(true);
            }
          }
        }
        expect(damage.empty).toBe(true);
        expect(first.length + rest.length).toBeLessThanOrEqual(34);
      }),
      { numRuns: 300 },
    );
  });
});
