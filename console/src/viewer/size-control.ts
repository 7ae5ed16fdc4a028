import { type ReadonlySignal, signal } from '@preact/signals';

/** Window size in pixels below which the desktop is not resized: viewers after a phone would find its size. */
const [LEAST_WIDTH, LEAST_HEIGHT] = [640, 400];

export interface SizeControlDeps {
  readonly holder: HTMLElement;
  /** Sends a text frame. */
  say(text: string): void;
  /** Whether this viewer resizes the desktop may have changed. */
  changed(): void;
}

/** Whether this viewer makes the desktop as large as its window [VIEW6]. */
export class SizeControl {
  /** Another viewer decides the size, although this one wants to. */
  readonly others: ReadonlySignal<boolean>;
  readonly #others = signal(false);
  readonly #deps: SizeControlDeps;
  readonly #observer: ResizeObserver;
  #wanted = false;
  #paused = false;
  #large = true;
  /** Undefined: no message of the hub yet. */
  #steering: boolean | undefined;
  #said: boolean | undefined;

  constructor(deps: SizeControlDeps) {
    this.#deps = deps;
    this.others = this.#others;
    // noVNC observes its own element for the same reason, later and deeper: this listener runs first
    this.#observer = new ResizeObserver(() => this.#update());
    this.#observer.observe(deps.holder);
    this.#measure();
  }

  /** The user wants to control the size. */
  set wanted(wanted: boolean) {
    this.#wanted = wanted;
    this.#update();
  }

  /** An on-screen keyboard covers a part of the window for a while. */
  set paused(paused: boolean) {
    this.#paused = paused;
    this.#deps.changed();
  }

  get resizes(): boolean {
    return this.#asks && !this.#paused && this.#steering !== false;
  }

  /** A new connection begins; returns its query parameter. */
  begin(): string {
    this.#steering = undefined;
    this.#said = this.#asks;
    return `steer=${this.#asks ? 'yes' : 'no'}`;
  }

  /** Handles a text frame; false: it is for another handler. */
  heard(text: string): boolean {
    const [, steering] = /^steering (yes|no)$/.exec(text) ?? [];
    if (steering === undefined) return false;
    this.#steering = steering === 'yes';
    this.#update();
    return true;
  }

  remove(): void {
    this.#observer.disconnect();
  }

  get #asks(): boolean {
    return this.#wanted && this.#large;
  }

  #measure(): void {
    const { clientWidth, clientHeight } = this.#deps.holder;
    if (!this.#paused) this.#large = clientWidth >= LEAST_WIDTH && clientHeight >= LEAST_HEIGHT;
  }

  #update(): void {
    this.#measure();
    this.#others.value = this.#asks && this.#steering === false;
    if (this.#steering !== undefined && this.#said !== this.#asks) {
      this.#said = this.#asks;
      this.#deps.say(`steer ${this.#asks ? 'yes' : 'no'}`);
    }
    this.#deps.changed();
  }
}
