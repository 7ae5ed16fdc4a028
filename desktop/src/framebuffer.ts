/** A part of the screen in pixels. */
export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export function intersection(a: Rect, b: Rect): Rect | undefined {
  const x = Math.max(a.x, b.x);
  const y = Math.max(a.y, b.y);
  const width = Math.min(a.x + a.width, b.x + b.width) - x;
  const height = Math.min(a.y + a.height, b.y + b.height) - y;
  return width > 0 && height > 0 ? { x, y, width, height } : undefined;
}

export function union(a: Rect, b: Rect): Rect {
  const x = Math.min(a.x, b.x);
  const y = Math.min(a.y, b.y);
  return {
    x,
    y,
    width: Math.max(a.x + a.width, b.x + b.width) - x,
    height: Math.max(a.y + a.height, b.y + b.height) - y,
  };
}

/** Pixels as 0xRRGGBB, row by row. */
export class Framebuffer {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint32Array;

  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.pixels = new Uint32Array(width * height);
  }

  get bounds(): Rect {
    return { x: 0, y: 0, width: this.width, height: this.height };
  }

  /**
   * Copies the pixels that differ in `rect` from another framebuffer of the same size; returns the changed part, undefined if nothing differs.
   */
  takeOver(other: Framebuffer, rect: Rect): Rect | undefined {
    const part = intersection(rect, this.bounds);
    if (!part) return undefined;
    let left = Infinity;
    let right = -1;
    let top = -1;
    let bottom = -1;
    for (let y = part.y; y < part.y + part.height; y++) {
      const row = y * this.width;
      for (let x = part.x; x < part.x + part.width; x++) {
        const pixel = other.pixels[row + x]!;
        if (pixel === this.pixels[row + x]) continue;
        this.pixels[row + x] = pixel;
        if (x < left) left = x;
        if (x > right) right = x;
        if (top < 0) top = y;
        bottom = y;
      }
    }
    return top < 0 ? undefined : { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
  }
}
