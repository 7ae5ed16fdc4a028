import { outline, type Outline } from './outline.ts';

/** Darkness of each pixel of a glyph, 0–255, and its position relative to the pen on the baseline. */
export interface GlyphImage {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly alpha: Uint8Array;
}

/** The typeface at one size and weight. */
export interface Font {
  /** Height from the top of capitals to the baseline, pixels. */
  readonly capHeight: number;
  /** Movement of the pen for a character, pixels. */
  advance(char: string): number;
  width(text: string): number;
  /** `fraction`: the pen's distance to the right of a whole pixel, in quarters. */
  image(char: string, fraction: number): GlyphImage;
}

const BASELINE = 14;
/** Number of cached glyphs; a text with more different characters draws some of them again. */
const KEPT = 2048;

/** `capHeight` in pixels; `stroke` is the pen's width in pixels. */
export function makeFont(capHeight: number, stroke: number): Font {
  const scale = capHeight / BASELINE;
  const space = 2.2 * scale + stroke;
  const outlines = new Map<string, Outline>();
  const images = new Map<string, GlyphImage>();
  const outlineOf = (char: string) => keep(outlines, char, () => outline(char));
  const advance = (char: string) => outlineOf(char).width * scale + space;
  return {
    capHeight,
    advance,
    width: (text) => Array.from(text).reduce((sum, char) => sum + advance(char), 0),
    image: (char, fraction) =>
      keep(images, `${char}${fraction}`, () => draw(outlineOf(char), scale, stroke, fraction / 4 + space / 2)),
  };
}

function keep<T>(cache: Map<string, T>, key: string, make: () => T): T {
  const kept = cache.get(key);
  if (kept !== undefined) return kept;
  if (cache.size >= KEPT) cache.clear();
  const made = make();
  cache.set(key, made);
  return made;
}

/** Computes each pixel from its distance to the nearest piece of the pen's path: smooth edges, round ends. */
function draw({ pieces }: Outline, scale: number, stroke: number, shift: number): GlyphImage {
  const points = pieces.map((value, i) => (i % 2 === 0 ? value * scale + shift : snap(value, scale)));
  if (points.length === 0) return { left: 0, top: 0, width: 0, height: 0, alpha: new Uint8Array() };
  const xs = points.filter((_, i) => i % 2 === 0);
  const ys = points.filter((_, i) => i % 2 === 1);
  const margin = stroke / 2 + 1;
  const left = Math.floor(Math.min(...xs) - margin);
  const top = Math.floor(Math.min(...ys) - margin);
  const width = Math.ceil(Math.max(...xs) + margin) - left;
  const height = Math.ceil(Math.max(...ys) + margin) - top;
  const alpha = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const far = distance(points, left + x + 0.5, top + y + 0.5);
      const cover = Math.min(1, Math.max(0, stroke / 2 + 0.5 - far));
      // compensation: thin grey strokes look lighter than they are
      alpha[y * width + x] = Math.round(255 * cover ** 0.85);
    }
  }
  return { left, top, width, height, alpha };
}

/** Height above the baseline in pixels, adjusted so that tops and baselines lie on pixel rows: flat edges are sharp. */
function snap(y: number, scale: number): number {
  const lines = [0, 4, BASELINE, 18].map((line) => ({
    line,
    at: Math.round((line - BASELINE) * scale) + (line === BASELINE ? -0.5 : 0.5),
  }));
  const after = lines.findIndex(({ line }) => y <= line);
  if (after === -1) return lines[3]!.at + (y - 18) * scale;
  if (after === 0) return lines[0]!.at + y * scale;
  const [from, to] = [lines[after - 1]!, lines[after]!];
  return from.at + ((y - from.line) / (to.line - from.line)) * (to.at - from.at);
}

function distance(points: readonly number[], x: number, y: number): number {
  let nearest = Infinity;
  for (let i = 0; i + 3 < points.length; i += 4) {
    const [x1, y1] = [points[i]!, points[i + 1]!];
    const [dx, dy] = [points[i + 2]! - x1, points[i + 3]! - y1];
    const length = dx * dx + dy * dy;
    const along = length === 0 ? 0 : Math.min(1, Math.max(0, ((x - x1) * dx + (y - y1) * dy) / length));
    nearest = Math.min(nearest, Math.hypot(x - x1 - along * dx, y - y1 - along * dy));
  }
  return nearest;
}
