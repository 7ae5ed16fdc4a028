import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, type Timer, untilAborted } from 'clock-port';
import { cursorRect } from './cursor.ts';
import { Keyboard } from './keyboard.ts';
import { Notes } from './notes.ts';
import { places, type SceneState } from './parts.ts';
import { type RfbServer, serveRfb } from './rfb/server.ts';
import { Scene } from './scene.ts';
import { Sketch } from './sketch.ts';

const WIDTH = 1280;
const HEIGHT = 800;

/** The content of the desktop, and the socket that serves it. */
export interface BuiltinOrder {
  /** Unix socket for viewers, in a folder that only this user can open. */
  readonly screen: string;
  /** Folder of the notes' file. */
  readonly home: string;
  readonly id: string;
  /** Name on the screen and in RFB; if empty, the id. */
  readonly name: string;
  readonly user: string;
  readonly template: string;
  readonly clock: Clock;
  /** Receives problems with viewers, in words. */
  readonly log: (message: string) => void;
}

export interface BuiltinDesktop {
  /** Serves the screen; calls `onReady` when viewers can connect. Resolves when the signal has aborted and the notes are written. */
  run(signal: AbortSignal, onReady: () => void): Promise<void>;
}

/**
 * The desktop for machines without one, drawn by this package and served by its own RFB server: notes that are kept in the home (`notes.txt`),
 * a sketch, the clipboard, a clock. Draws only while a viewer is connected.
 */
export function builtinDesktop(order: BuiltinOrder): BuiltinDesktop {
  return {
    async run(signal, onReady) {
      const live = new LiveDesktop(order);
      await live.open();
      onReady();
      await untilAborted(signal);
      await live.close();
    },
  };
}

class LiveDesktop {
  readonly #order: BuiltinOrder;
  readonly #scene = new Scene(WIDTH, HEIGHT);
  readonly #keyboard = new Keyboard();
  readonly #sketch = new Sketch(places(WIDTH, HEIGHT).paper);
  readonly #notes: Notes;
  readonly #time: Intl.DateTimeFormat;
  readonly #date: Intl.DateTimeFormat;
  #server: RfbServer | undefined;
  #clipboard = '';
  #pointer: SceneState['pointer'];
  #tick: Timer | undefined;

  constructor(order: BuiltinOrder) {
    this.#order = order;
    this.#notes = new Notes(join(order.home, 'notes.txt'), order.clock, () => this.#render());
    this.#time = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });
    this.#date = new Intl.DateTimeFormat('en-GB', { dateStyle: 'full' });
  }

  async open(): Promise<void> {
    await this.#notes.load();
    this.#scene.render(this.#state());
    const { screen, name, id, log } = this.#order;
    this.#server = await serveRfb(
      screen,
      {
        frame: this.#scene.frame,
        name: name || id,
        cursor: cursorRect,
        key: (down, keysym) => this.#key(down, keysym),
        pointer: (x, y, buttons) => this.#point(x, y, buttons),
        cutText: (text) => void (this.#clipboard = text),
        changed: () => this.#render(),
      },
      { onViewers: (count) => this.#viewers(count), log },
    );
    await chmod(screen, 0o600);
  }

  async close(): Promise<void> {
    this.#tick?.cancel();
    await this.#server?.close();
    await this.#notes.flush();
  }

  #viewers(count: number): void {
    if (count === 0) {
      this.#tick?.cancel();
      this.#tick = undefined;
      this.#keyboard.release();
      this.#pointer = undefined;
    } else this.#tick ??= this.#nextSecond();
    this.#render();
  }

  #nextSecond(): Timer {
    const { clock } = this.#order;
    return clock.setTimeout(
      () => {
        this.#tick = this.#nextSecond();
        this.#render();
      },
      1000 - (clock.now() % 1000),
    );
  }

  #key(down: boolean, keysym: number): void {
    const typed = this.#keyboard.press(down, keysym);
    switch (typed?.type) {
      case undefined:
        return;
      case 'text':
        return this.#notes.append(typed.text);
      case 'backspace':
        return this.#notes.backspace();
      case 'escape':
        return this.#sketch.clear();
      case 'paste':
        return this.#notes.append(this.#clipboard.replaceAll('\r', ''));
      case 'copy':
        this.#clipboard = this.#notes.text;
        return this.#server?.cutText(this.#clipboard);
    }
  }

  #point(x: number, y: number, buttons: number): void {
    this.#pointer = { x: Math.min(x, WIDTH - 1), y: Math.min(y, HEIGHT - 1), buttons };
    this.#sketch.pointer(x, y, buttons);
  }

  #state(): SceneState {
    const now = this.#order.clock.now();
    return {
      session: this.#order,
      time: this.#time.format(now),
      date: this.#date.format(now),
      notes: this.#notes,
      sketch: this.#sketch,
      clipboard: this.#clipboard,
      key: this.#keyboard.last,
      pointer: this.#pointer,
      viewers: this.#server?.viewers ?? 0,
    };
  }

  /** Draws and sends changes while a viewer is connected; a later viewer gets them when it connects. */
  #render(): void {
    const server = this.#server;
    if (server && server.viewers > 0) server.damage(this.#scene.render(this.#state()));
  }
}
