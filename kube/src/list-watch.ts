import { type Clock, DeadlineError, scope, withDeadline } from 'clock-port';
import type { Query } from './connection.ts';
import { ApiError, isStatus } from './error.ts';
import { linesOf } from './lines.ts';
import type { KubeObject, ObjectList } from './objects.ts';

/** The server sends a bookmark about every minute; a watch that is silent for longer than this is dead (failure 15). */
const SILENCE_MS = 90_000;
const LINE_LIMIT = 4 * 1024 * 1024;
/** The server ends a watch after this time, and up to a minute more, so that many watches do not end together; seconds. */
const WATCH_S = 480;
const GONE = 410;

export interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly object: T;
}

interface FailedWatch {
  readonly type: 'ERROR';
  readonly object: { readonly code?: number; readonly reason?: string; readonly message?: string };
}

export interface ListWatchOptions<T> {
  /** The name of the set, for errors. */
  readonly what: string;
  readonly clock: Clock;
  /** Longest list request, milliseconds. */
  readonly listMs: number;
  readonly list: (signal: AbortSignal) => Promise<ObjectList<T>>;
  /** Opens a watch, with the query parameters of a watch. */
  readonly watch: (query: Query, signal: AbortSignal) => Promise<AsyncIterable<Buffer>>;
  /** Returns whether the list must be read again, because it is older than the known state. */
  readonly onList: (list: ObjectList<T>) => 'list again' | void;
  readonly onEvent: (event: WatchEvent<T>) => void;
}

/**
 * A list, and watches that each continue where the list or the previous watch ended: with bookmarks, and replaced after too long a silence. The
 * caller decides when the next round begins.
 */
export class ListWatch<T extends KubeObject> {
  readonly #options: ListWatchOptions<T>;
  /** The version where the next watch begins; empty: list first. */
  #version = '';

  constructor(options: ListWatchOptions<T>) {
    this.#options = options;
  }

  get version(): string {
    return this.#version;
  }

  /** Forgets the version: the next round begins with a list. */
  reset(): void {
    this.#version = '';
  }

  /**
   * Lists if no version is known, then watches from there until the server ends the watch, as it does from time to time. Rejects when either
   * fails; when the server has forgotten the version (410), the next round begins with a list.
   */
  async round(signal: AbortSignal): Promise<void> {
    if (this.#version === '' && (await this.#list(signal)) === 'list again') return;
    try {
      await this.#watch(signal);
    } catch (error) {
      if (isStatus(error, GONE)) this.#version = '';
      throw error;
    }
  }

  async #list(signal: AbortSignal): Promise<'list again' | void> {
    const { what, clock, listMs, list, onList } = this.#options;
    const found = await withDeadline(clock, listMs, `list of ${what}`, signal, list);
    if (onList(found) === 'list again') return 'list again';
    this.#version = found.metadata?.resourceVersion ?? '';
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { what, clock, watch } = this.#options;
    const watching = scope(signal);
    const dead = () => watching.end(new DeadlineError(`watch of ${what}`, SILENCE_MS));
    let silence = clock.setTimeout(dead, SILENCE_MS);
    try {
      const query = {
        watch: 1,
        allowWatchBookmarks: true,
        timeoutSeconds: WATCH_S + (Math.floor(clock.monotonic()) % 60),
        resourceVersion: this.#version,
      };
      for await (const line of linesOf(await watch(query, watching.signal), LINE_LIMIT)) {
        silence.cancel();
        silence = clock.setTimeout(dead, SILENCE_MS);
        this.#take(line);
      }
    } finally {
      silence.cancel();
      watching.end(new Error('the watch is over'));
    }
  }

  #take(line: string): void {
    let event: WatchEvent<T> | FailedWatch;
    try {
      event = JSON.parse(line) as WatchEvent<T> | FailedWatch;
    } catch (cause) {
      throw new Error('The API server sent a line that is not JSON', { cause });
    }
    if (event.type === 'ERROR') {
      const { code = 500, reason = '', message = 'failed' } = event.object;
      throw new ApiError(code, reason, `watch: ${message}`);
    }
    this.#version = event.object.metadata?.resourceVersion ?? this.#version;
    this.#options.onEvent(event);
  }
}
