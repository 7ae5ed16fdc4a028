import { Canvas } from './canvas.ts';
import { Framebuffer, type Rect } from './framebuffer.ts';
import { type ScenePart, parts, type SceneState } from './parts.ts';
import { COLOURS } from './theme.ts';

const POINTER_RADIUS = 7;

/** The picture: parts that are redrawn only when their content has changed, and the pointer above them. */
export class Scene {
  readonly frame: Framebuffer;
  readonly #clean: Framebuffer;
  readonly #parts: readonly ScenePart[];
  readonly #shown = new Map<ScenePart, string>();
  #pointer: Rect | undefined;

  constructor(width: number, height: number) {
    this.frame = new Framebuffer(width, height);
    this.#clean = new Framebuffer(width, height);
    new Canvas(this.#clean).fill(this.#clean.bounds, COLOURS.background);
    this.frame.takeOver(this.#clean, this.frame.bounds);
    this.#parts = parts(width, height);
  }

  /** Draws the changes; returns the changed rectangles. */
  render(state: SceneState): Rect[] {
    const damage: Rect[] = [];
    const takeOver = (rect: Rect) => {
      const changed = this.frame.takeOver(this.#clean, rect);
      if (changed) damage.push(changed);
    };
    for (const part of this.#parts) {
      const shows = part.shows(state);
      if (this.#shown.get(part) === shows) continue;
      this.#shown.set(part, shows);
      part.draw(new Canvas(this.#clean, part.rect), state);
      takeOver(part.rect);
    }
    if (this.#pointer) takeOver(this.#pointer);
    this.#pointer = undefined;
    const { pointer } = state;
    if (pointer) {
      const size = 2 * POINTER_RADIUS + 4;
      this.#pointer = { x: pointer.x - size / 2, y: pointer.y - size / 2, width: size, height: size };
      new Canvas(this.frame).dot(
        pointer.x,
        pointer.y,
        POINTER_RADIUS,
        COLOURS.accent,
        pointer.buttons === 0 ? 0.35 : 0.75,
      );
      damage.push(this.#pointer);
    }
    return damage;
  }
}
