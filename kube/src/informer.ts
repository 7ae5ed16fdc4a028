import { type Clock, deadline, pause, withDeadline } from 'clock-port';
import type { KubeClient, KubeObject, Query, Resource } from './client.ts';
import { ApiError } from './error.ts';
import { linesOf } from './lines.ts';

/** The server sends a bookmark about every minute; a watch that is silent for longer than this is dead (failure 15). */
const SILENCE_MS = 100_000;
const LIST_MS = 60_000;
const LINE_LIMIT = 4 * 1024 * 1024;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;
/** Where a resource may be forbidden, it is asked for again this often: permissions can be granted later. */
const FORBIDDEN_PAUSE_MS = 300_000;

export interface InformerOptions {
  readonly client: KubeClient;
  readonly resource: Resource;
  readonly query: Query;
  readonly clock: Clock;
  /** Being forbidden is no error but means "always empty". */
  readonly optional?: boolean;
  /** A watch that was lost, for the log. */
  readonly onTrouble?: (error: unknown) => void;
}

interface WatchEvent<T> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  object: T & { code?: number; reason?: string; message?: string };
}

/**
 * A local copy of a set of objects, kept by one list and one watch: resumed by resourceVersion, bookmarks asked for, listed anew
 * when the server has forgotten (410), replaced when silent for too long.
 */
export class Informer<T extends KubeObject> {
  readonly #options: InformerOptions;
  readonly #items = new Map<string, T>();
  readonly #listeners = new Set<(name: string, object: T | undefined) => void>();
  #version = '';
  #synced: PromiseWithResolversLike = resolvers();

  constructor(options: InformerOptions) {
    this.#options = options;
  }

  get(name: string): T | undefined {
    return this.#items.get(name);
  }

  all(): T[] {
    return [...this.#items.values()];
  }

  /** Resolves once the first list is here; stays so while the copy is kept. */
  get synced(): Promise<void> {
    return this.#synced.promise;
  }

  get isSynced(): boolean {
    return this.#version !== '';
  }

  /** Calls back for every change, `undefined` when the object is gone. Returns how to stop it. */
  onChange(listener: (name: string, object: T | undefined) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Takes over what a write returned, so that a reader sees its own writes; ignored when the watch has passed it already. */
  learn(object: T): void {
    const name = object.metadata?.name;
    if (name === undefined) return;
    const version = object.metadata?.resourceVersion;
    if (newer(version, this.#version) && newer(version, this.#items.get(name)?.metadata?.resourceVersion)) {
      this.#set(name, object);
    }
  }

  /** Keeps the copy until the signal aborts. What was copied is forgotten then. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, onTrouble, optional } = this.#options;
    let wait = FIRST_PAUSE_MS;
    try {
      while (!signal.aborted) {
        const before = this.#version;
        try {
          if (this.#version === '') await this.#list(signal);
          await this.#watch(signal);
          // ended by the server, as watches are; one that told nothing must not become a loop
          if (this.#version !== before) wait = FIRST_PAUSE_MS;
          await pause(clock, wait, signal);
          wait = Math.min(wait * 2, LONGEST_PAUSE_MS);
        } catch (error) {
          if (signal.aborted) return;
          // the server no longer knows our version: only a list can tell what we missed
          if (error instanceof ApiError && error.status === 410) this.#version = '';
          const forbidden = optional === true && error instanceof ApiError && error.status === 403;
          if (forbidden) this.#synced.resolve();
          else onTrouble?.(error);
          if (this.#version !== before && this.#version !== '') wait = FIRST_PAUSE_MS;
          await pause(clock, forbidden ? FORBIDDEN_PAUSE_MS : wait, signal);
          wait = Math.min(wait * 2, LONGEST_PAUSE_MS);
        }
      }
    } finally {
      this.#items.clear();
      this.#version = '';
      this.#synced = resolvers();
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { client, resource, query, clock } = this.#options;
    const list = await withDeadline(clock, LIST_MS, `list ${resource}`, signal, (limit) =>
      client.list<T>(resource, query, limit),
    );
    const gone = new Set(this.#items.keys());
    for (const item of list.items) {
      gone.delete(item.metadata!.name!);
      if (this.#items.get(item.metadata!.name!)?.metadata?.resourceVersion !== item.metadata!.resourceVersion) {
        this.#set(item.metadata!.name!, item);
      }
    }
    for (const name of gone) this.#set(name, undefined);
    this.#version = list.metadata.resourceVersion ?? '';
    this.#synced.resolve();
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { client, resource, query, clock } = this.#options;
    const ended = new AbortController();
    const stop = () => ended.abort(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    let silence = deadline(clock, SILENCE_MS, `watch ${resource}`);
    const onSilence = () => ended.abort(silence.signal.reason);
    silence.signal.addEventListener('abort', onSilence, { once: true });
    const heard = () => {
      silence.clear();
      silence = deadline(clock, SILENCE_MS, `watch ${resource}`);
      silence.signal.addEventListener('abort', onSilence, { once: true });
    };
    try {
      const chunks = await client.stream(
        client.path(resource),
        {
          ...query,
          watch: true,
          resourceVersion: this.#version,
          allowWatchBookmarks: true,
          // spread, so that the watches of many agents do not end together
          timeoutSeconds: 240 + (Math.floor(clock.monotonic()) % 60),
        },
        ended.signal,
      );
      for await (const line of linesOf(chunks, LINE_LIMIT)) {
        heard();
        this.#handle(JSON.parse(line) as WatchEvent<T>);
      }
    } finally {
      silence.clear();
      signal.removeEventListener('abort', stop);
      ended.abort();
    }
  }

  #handle(event: WatchEvent<T>): void {
    const { type, object } = event;
    if (type === 'ERROR') throw new ApiError(object.code ?? 500, object.reason ?? '', object.message ?? 'watch failed');
    this.#version = object.metadata?.resourceVersion ?? this.#version;
    const name = object.metadata?.name;
    if (type === 'BOOKMARK' || name === undefined) return;
    this.#set(name, type === 'DELETED' ? undefined : object);
  }

  #set(name: string, object: T | undefined): void {
    if (object === undefined) this.#items.delete(name);
    else {
      // nobody reads it, and it is as large as the rest
      delete object.metadata!.managedFields;
      this.#items.set(name, object);
    }
    for (const listener of this.#listeners) listener(name, object);
  }
}

interface PromiseWithResolversLike {
  readonly promise: Promise<void>;
  resolve(): void;
}

function resolvers(): PromiseWithResolversLike {
  let resolve!: () => void;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}

/** Resource versions of etcd are growing integers. */
const newer = (a: string | undefined, b: string | undefined): boolean =>
  a !== undefined && (b === undefined || b === '' || BigInt(a) > BigInt(b));
