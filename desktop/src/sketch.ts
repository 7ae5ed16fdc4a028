import type { Canvas } from './canvas.ts';
import type { Rect } from './framebuffer.ts';

/** Most points; the oldest are dropped first. */
const LIMIT = 4000;

interface Point {
  readonly x: number;
  readonly y: number;
  /** Whether a line joins the point to the previous one. */
  readonly joined: boolean;
  readonly button: number;
}

/** Drawing by the pointer: a dot where a button is pressed, a line while it is held. One colour per button. */
export class Sketch {
  readonly #area: Rect;
  readonly #points: Point[] = [];
  #drawing = false;
  /** Grows with every change. */
  version = 0;

  constructor(area: Rect) {
    this.#area = area;
  }

  pointer(x: number, y: number, buttons: number): void {
    const button = [1, 2, 4].findIndex((mask) => (buttons & mask) !== 0);
    const { x: left, y: top, width, height } = this.#area;
    if (button < 0 || x < left || y < top || x >= left + width || y >= top + height) {
      this.#drawing = false;
      return;
    }
    this.#points.push({ x, y, joined: this.#drawing, button });
    if (this.#points.length > LIMIT) this.#points.shift();
    this.#drawing = true;
    this.version++;
  }

  clear(): void {
    this.#points.length = 0;
    this.#drawing = false;
    this.version++;
  }

  get empty(): boolean {
    return this.#points.length === 0;
  }

  draw(canvas: Canvas, colours: readonly number[]): void {
    let before: Point | undefined;
    for (const point of this.#points) {
      const colour = colours[point.button] ?? 0;
      if (before && point.joined) canvas.line(before.x, before.y, point.x, point.y, 4, colour);
      else canvas.dot(point.x, point.y, 5, colour);
      before = point;
    }
  }
}
