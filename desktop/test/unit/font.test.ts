import { describe, expect, it } from 'vitest';
import { makeFont } from '../../src/font/font.ts';
import { outline } from '../../src/font/outline.ts';
import { ellipsis, wrap } from '../../src/wrap.ts';

const font = makeFont(12, 1.5);
const ascii = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i));

describe('typeface', () => {
  it('has every printable ASCII character, each different, and the accents of Latin-1', () => {
    const unknown = JSON.stringify(outline('\u4e00'));
    const shapes = ascii.map((char) => JSON.stringify(outline(char)));
    expect(new Set(shapes).size).toBe(95);
    for (const char of [...ascii, ...Array.from('äöüÄÖÜßéèêëàâçñõåÅøæ€£–…·')])
      expect(JSON.stringify(outline(char)), char).not.toBe(unknown);
  });

  it('draws each within the line it belongs to', () => {
    for (const char of ascii) {
      const { top, height, alpha } = font.image(char, 0);
      expect(top).toBeGreaterThanOrEqual(-16);
      expect(top + height).toBeLessThanOrEqual(7);
      expect(
        alpha.some((value) => value > 128),
        char,
      ).toBe(char !== ' ');
    }
  });
});

describe('lines', () => {
  it('never are wider than they may be, and lose nothing', () => {
    const text = 'A sentence of several words, averyverylongwordthatfitsnowhere\n\nand an end';
    for (const width of [40, 80, 200]) {
      const lines = wrap(text, font, width);
      expect(lines.join('').replaceAll('\n', '')).toBe(text.replaceAll('\n', ''));
      for (const line of lines) expect(font.width(line.trimEnd())).toBeLessThanOrEqual(width);
    }
  });

  it('end with an ellipsis when cut', () => {
    expect(ellipsis('short', font, 200)).toBe('short');
    const cut = ellipsis('a rather long title of a session', font, 100);
    expect(cut).toMatch(/^a rat.*…$/);
    expect(font.width(cut)).toBeLessThanOrEqual(100);
  });
});
