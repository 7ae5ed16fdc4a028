import { intersection, type Rect, union } from './framebuffer.ts';

/** Above this number, rectangles are merged: a longer list costs more than it saves. */
const RECTANGLES = 16;

/** The part of the screen that one viewer has not received yet: a short list of rectangles that don't overlap. */
export class Damage {
  #rects: Rect[] = [];

  get empty(): boolean {
    return this.#rects.length === 0;
  }

  add(rect: Rect): void {
    let merged = rect;
    // a merged rectangle may touch others: repeat until it touches none
    for (;;) {
      const apart = this.#rects.filter((other) => !intersection(other, merged));
      if (apart.length === this.#rects.length) break;
      for (const other of this.#rects) if (intersection(other, merged)) merged = union(other, merged);
      this.#rects = apart;
    }
    this.#rects.push(merged);
    if (this.#rects.length > RECTANGLES) this.#rects = [this.#rects.reduce(union)];
  }

  /** Removes and returns the damage within `part`. Parts outside of it are kept as whole rectangles: sending them twice is harmless. */
  take(part: Rect): Rect[] {
    const taken: Rect[] = [];
    const left: Rect[] = [];
    for (const rect of this.#rects) {
      const inside = intersection(rect, part);
      if (inside) taken.push(inside);
      if (!inside || inside.width !== rect.width || inside.height !== rect.height) left.push(rect);
    }
    this.#rects = left;
    return taken;
  }
}
