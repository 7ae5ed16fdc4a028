import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock, Timer } from 'clock-port';

/** Longest text, characters; further input is refused. */
const LIMIT = 64 * 1024;
/** Time from the first unsaved key to the write of the file, milliseconds. */
const SAVE_MS = 300;

/** A text in a file: read at the start, saved shortly after a change and at the end. */
export class Notes {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #onChange: () => void;
  #text = '';
  #dirty = false;
  #timer: Timer | undefined;
  #saving: Promise<void> = Promise.resolve();
  #problem = '';

  constructor(path: string, clock: Clock, onChange: () => void) {
    this.#path = path;
    this.#clock = clock;
    this.#onChange = onChange;
  }

  get text(): string {
    return this.#text;
  }

  /** State of the saving, for display. */
  get status(): string {
    return this.#problem || (this.#dirty ? 'saving…' : 'saved');
  }

  async load(): Promise<void> {
    try {
      this.#text = (await readFile(this.#path, 'utf8')).slice(0, LIMIT);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
        this.#problem = `not readable: ${(error as Error).message}`;
    }
  }

  append(text: string): void {
    this.#set(`${this.#text}${text}`.slice(0, LIMIT));
  }

  backspace(): void {
    this.#set(Array.from(this.#text).slice(0, -1).join(''));
  }

  /** Writes unsaved changes. */
  async flush(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#save();
    await this.#saving;
  }

  #set(text: string): void {
    if (text === this.#text) return;
    this.#text = text;
    this.#dirty = true;
    this.#timer ??= this.#clock.setTimeout(() => {
      this.#timer = undefined;
      this.#save();
    }, SAVE_MS);
  }

  #save(): void {
    this.#saving = this.#saving.then(async () => {
      if (!this.#dirty) return;
      this.#dirty = false;
      try {
        await write(this.#path, this.#text);
        this.#problem = '';
      } catch (error) {
        this.#dirty = true;
        this.#problem =
          (error as NodeJS.ErrnoException).code === 'ENOSPC'
            ? 'not saved: the disk is full'
            : `not saved: ${(error as Error).message}`;
      }
      this.#onChange();
    });
  }
}

/** Atomic: after a failure on a full disk, or a crash, the previous file remains. */
async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const handle = await open(`${path}.new`, 'w', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${path}.new`, path);
}
