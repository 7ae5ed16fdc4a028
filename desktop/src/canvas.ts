import { type Framebuffer, intersection, type Rect } from './framebuffer.ts';
import type { Font } from './font/font.ts';

/** Draws on a part of a framebuffer and leaves the rest unchanged. Colours are 0xRRGGBB. */
export class Canvas {
  readonly #frame: Framebuffer;
  readonly clip: Rect;

  constructor(frame: Framebuffer, clip: Rect = frame.bounds) {
    this.#frame = frame;
    this.clip = intersection(clip, frame.bounds) ?? { x: 0, y: 0, width: 0, height: 0 };
  }

  /** The same framebuffer, restricted to a smaller part. */
  within(rect: Rect): Canvas {
    return new Canvas(this.#frame, intersection(rect, this.clip) ?? { x: 0, y: 0, width: 0, height: 0 });
  }

  fill(rect: Rect, colour: number): void {
    const part = intersection(rect, this.clip);
    if (!part) return;
    for (let y = part.y; y < part.y + part.height; y++) {
      const row = y * this.#frame.width;
      this.#frame.pixels.fill(colour, row + part.x, row + part.x + part.width);
    }
  }

  /** Fills a shape with smooth edges. `outside` returns the distance of a point from the shape (negative inside). */
  shape(bounds: Rect, colour: number, outside: (x: number, y: number) => number, opacity = 1): void {
    const part = intersection(bounds, this.clip);
    if (!part) return;
    for (let y = part.y; y < part.y + part.height; y++) {
      for (let x = part.x; x < part.x + part.width; x++) {
        const cover = 0.5 - outside(x + 0.5, y + 0.5);
        if (cover > 0) this.#blend(x, y, colour, Math.min(1, cover) * opacity);
      }
    }
  }

  rounded(rect: Rect, radius: number, colour: number): void {
    // only the corners need smooth edges
    this.fill({ x: rect.x, y: rect.y + radius, width: rect.width, height: rect.height - 2 * radius }, colour);
    for (const y of [rect.y, rect.y + rect.height - radius]) {
      this.fill({ x: rect.x + radius, y, width: rect.width - 2 * radius, height: radius }, colour);
      for (const x of [rect.x, rect.x + rect.width - radius]) {
        const centre = { x: x === rect.x ? x + radius : x, y: y === rect.y ? y + radius : y };
        const corner = { x, y, width: radius, height: radius };
        this.shape(corner, colour, (px, py) => Math.hypot(px - centre.x, py - centre.y) - radius);
      }
    }
  }

  /** A rounded rectangle with an outline of one pixel. */
  card(rect: Rect, radius: number, colour: number, line: number): void {
    this.rounded(rect, radius, line);
    this.rounded({ x: rect.x + 1, y: rect.y + 1, width: rect.width - 2, height: rect.height - 2 }, radius - 1, colour);
  }

  dot(x: number, y: number, radius: number, colour: number, opacity = 1): void {
    this.shape(around(x, y, x, y, radius), colour, (px, py) => Math.hypot(px - x, py - y) - radius, opacity);
  }

  line(x1: number, y1: number, x2: number, y2: number, stroke: number, colour: number): void {
    const [dx, dy] = [x2 - x1, y2 - y1];
    const length = dx * dx + dy * dy;
    const far = (x: number, y: number) => {
      const along = length === 0 ? 0 : Math.min(1, Math.max(0, ((x - x1) * dx + (y - y1) * dy) / length));
      return Math.hypot(x - x1 - along * dx, y - y1 - along * dy) - stroke / 2;
    };
    this.shape(around(x1, y1, x2, y2, stroke / 2), colour, far);
  }

  /** Draws text with its baseline at `y`; returns the pen's final position. */
  text(x: number, y: number, text: string, font: Font, colour: number): number {
    let pen = x;
    for (const char of text) {
      const quarter = Math.round(pen * 4);
      const image = font.image(char, ((quarter % 4) + 4) % 4);
      const left = Math.floor(quarter / 4) + image.left;
      for (let row = 0; row < image.height; row++) {
        for (let column = 0; column < image.width; column++) {
          const alpha = image.alpha[row * image.width + column]!;
          if (alpha > 0) this.#blend(left + column, y + image.top + row, colour, alpha / 255);
        }
      }
      pen += font.advance(char);
    }
    return pen;
  }

  #blend(x: number, y: number, colour: number, opacity: number): void {
    const { clip } = this;
    if (x < clip.x || y < clip.y || x >= clip.x + clip.width || y >= clip.y + clip.height) return;
    const at = y * this.#frame.width + x;
    const under = this.#frame.pixels[at]!;
    const mix = (shift: number) => {
      const from = (under >> shift) & 255;
      return Math.round(from + (((colour >> shift) & 255) - from) * opacity) << shift;
    };
    this.#frame.pixels[at] = opacity >= 1 ? colour : mix(16) | mix(8) | mix(0);
  }
}

function around(x1: number, y1: number, x2: number, y2: number, margin: number): Rect {
  const x = Math.floor(Math.min(x1, x2) - margin - 1);
  const y = Math.floor(Math.min(y1, y2) - margin - 1);
  return {
    x,
    y,
    width: Math.ceil(Math.max(x1, x2) + margin + 1) - x,
    height: Math.ceil(Math.max(y1, y2) + margin + 1) - y,
  };
}
