import type { Scaling } from '../state/screen-settings.ts';

/** Bounds of the magnification. */
const [LEAST, MOST] = [0.25, 4];

/** noVNC's events about fingers on its canvas, before it turns them into mouse events. */
interface Gesture {
  readonly type: 'onetap' | 'twotap' | 'threetap' | 'drag' | 'longpress' | 'twodrag' | 'pinch';
  readonly clientX: number;
  readonly clientY: number;
  readonly magnitudeX?: number;
  readonly magnitudeY?: number;
}

/**
 * The desktop at 1:1 in a window that is smaller: one finger moves it, two magnify it. noVNC fits its canvas into an element ("room"); the room is as large as
 * the desktop then, and the holder scrolls.
 */
export class PanAndZoom {
  readonly #holder: HTMLElement;
  readonly #over = new AbortController();
  #room: HTMLElement | undefined;
  #canvas: HTMLCanvasElement | undefined;
  #resized: MutationObserver | undefined;
  #actual = false;
  #zoom = 1;
  /** Start or last position of the current gesture. */
  #last: { x: number; y: number; spread: number; zoom: number } | undefined;

  constructor(holder: HTMLElement) {
    this.#holder = holder;
    for (const kind of ['gesturestart', 'gesturemove', 'gestureend'])
      holder.addEventListener(kind, (event) => this.#gesture(event as CustomEvent), {
        capture: true,
        signal: this.#over.signal,
      });
  }

  /** A new connection's room, with noVNC's canvas in it. */
  show(room: HTMLElement): void {
    this.#resized?.disconnect();
    this.#room = room;
    this.#canvas = room.querySelector('canvas') ?? undefined;
    this.#resized = new MutationObserver(() => this.#fit());
    if (this.#canvas) this.#resized.observe(this.#canvas, { attributeFilter: ['width', 'height'] });
    this.#fit();
  }

  set scaling(scaling: Scaling) {
    const actual = scaling === 'actual';
    if (actual !== this.#actual) this.#zoom = 1;
    this.#actual = actual;
    this.#fit();
  }

  remove(): void {
    this.#over.abort();
    this.#resized?.disconnect();
  }

  #fit(): void {
    const [room, canvas] = [this.#room, this.#canvas];
    if (!room || !canvas) return;
    const sized = this.#actual && canvas.width > 0;
    room.style.width = sized ? `${Math.ceil(canvas.width * this.#zoom)}px` : '';
    room.style.height = sized ? `${Math.ceil(canvas.height * this.#zoom)}px` : '';
  }

  #gesture(event: CustomEvent<Gesture | null>): void {
    const { detail } = event;
    const { scrollWidth, clientWidth, scrollHeight, clientHeight } = this.#holder;
    const larger = scrollWidth > clientWidth || scrollHeight > clientHeight;
    // Safari has events of this name, too
    if (!detail || typeof detail !== 'object' || !this.#actual) return;
    if (detail.type !== 'pinch' && !(detail.type === 'drag' && larger)) return;
    event.stopImmediatePropagation();
    const { clientX: x, clientY: y } = detail;
    const spread = Math.max(1, Math.hypot(detail.magnitudeX ?? 0, detail.magnitudeY ?? 0));
    if (event.type === 'gesturestart') this.#last = { x, y, spread, zoom: this.#zoom };
    const last = this.#last;
    if (event.type === 'gestureend') this.#last = undefined;
    if (event.type !== 'gesturemove' || last === undefined) return;
    if (detail.type === 'pinch') return this.#magnify((last.zoom * spread) / last.spread, x, y);
    this.#holder.scrollBy(last.x - x, last.y - y);
    this.#last = { ...last, x, y };
  }

  /** Keeps the point under the fingers in place. */
  #magnify(wanted: number, clientX: number, clientY: number): void {
    const zoom = Math.min(MOST, Math.max(LEAST, wanted));
    const before = this.#canvas?.getBoundingClientRect();
    if (!before || before.width === 0) return;
    const [x, y] = [(clientX - before.left) / before.width, (clientY - before.top) / before.height];
    this.#zoom = zoom;
    this.#fit();
    const after = this.#room!.getBoundingClientRect();
    this.#holder.scrollBy(after.left + x * after.width - clientX, after.top + y * after.height - clientY);
  }
}
