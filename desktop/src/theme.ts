import { type Font, makeFont } from './font/font.ts';

/** Colours of the built-in desktop, 0xRRGGBB. */
export const COLOURS = {
  background: 0xeef1f7,
  card: 0xffffff,
  line: 0xd5dbe7,
  grid: 0xe4e8f0,
  ink: 0x1d2433,
  soft: 0x5d687d,
  faint: 0x97a1b3,
  accent: 0x3658d4,
  accentSoft: 0xdfe6fb,
  good: 0x2e8b57,
  pens: [0x3658d4, 0xd9822b, 0xc23b5a],
} as const;

export interface Fonts {
  readonly clock: Font;
  readonly title: Font;
  readonly heading: Font;
  readonly body: Font;
  readonly small: Font;
}

export function makeFonts(): Fonts {
  return {
    clock: makeFont(30, 3),
    title: makeFont(20, 2.9),
    heading: makeFont(13, 2),
    body: makeFont(12, 1.45),
    small: makeFont(10, 1.25),
  };
}
