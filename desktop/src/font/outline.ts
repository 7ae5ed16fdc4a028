import { GLYPHS, MARKS, UNKNOWN } from './glyphs.ts';

/** A glyph as straight pieces `x1 y1 x2 y2 …` in the units of {@link GLYPHS}. */
export interface Outline {
  readonly width: number;
  readonly pieces: readonly number[];
}

/** Degrees that one straight piece of an arc spans. */
const STEP = 12;

export function outline(char: string): Outline {
  const direct = GLYPHS[char];
  if (direct !== undefined) return parse(direct);
  const [base = '', ...marks] = char.normalize('NFD');
  const letter = GLYPHS[base === 'i' ? 'ı' : base];
  if (letter === undefined || marks.length === 0) return parse(UNKNOWN);
  const { width, pieces } = parse(letter);
  const raise = /\p{Lu}/u.test(base) ? -3.4 : 0;
  const placed = marks.flatMap((mark) => trace(MARKS[mark] ?? '', width / 2, mark === '\u0327' ? 0 : raise));
  return { width, pieces: [...pieces, ...placed] };
}

function parse(glyph: string): Outline {
  const colon = glyph.indexOf(':');
  return { width: Number(glyph.slice(0, colon)), pieces: trace(glyph.slice(colon + 1), 0, 0) };
}

function trace(path: string, dx: number, dy: number): number[] {
  const tokens = path.split(' ').filter((token) => token !== '');
  const pieces: number[] = [];
  let pen: readonly [number, number] | undefined;
  const number = () => Number(tokens.shift());
  const lineTo = (x: number, y: number) => {
    if (pen) pieces.push(pen[0] + dx, pen[1] + dy, x + dx, y + dy);
    pen = [x, y];
  };
  const arc = (cx: number, cy: number, rx: number, ry: number, from: number, to: number) => {
    const steps = Math.max(1, Math.ceil(Math.abs(to - from) / STEP));
    for (let i = 0; i <= steps; i++) {
      const angle = ((from + ((to - from) * i) / steps) * Math.PI) / 180;
      lineTo(cx + rx * Math.cos(angle), cy + ry * Math.sin(angle));
    }
  };
  for (let command = tokens.shift(); command !== undefined; command = tokens.shift()) {
    if (command === 'M') pen = [number(), number()];
    else if (command === 'L') lineTo(number(), number());
    else if (command === 'A') arc(number(), number(), number(), number(), number(), number());
    else {
      pen = undefined;
      arc(number(), number(), number(), number(), 0, 360);
      pen = undefined;
    }
  }
  return pieces;
}
