import { type Clock, pause } from 'clock-port';
import type { KubeClient, Resource } from './client.ts';
import type { Query } from './connection.ts';
import { isStatus } from './error.ts';
import { ListWatch, type WatchEvent } from './list-watch.ts';
import type { KubeObject, ObjectList } from './objects.ts';

const LIST_MS = 60_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;
/** A forbidden resource is requested again after this time: permissions can be granted later. */
const FORBIDDEN_PAUSE_MS = 300_000;

export interface InformerOptions {
  readonly client: KubeClient;
  readonly resource: Resource;
  readonly query: Query;
  readonly clock: Clock;
  /** A refusal as forbidden is no error, but means "always empty". */
  readonly optional?: boolean;
  /** Called for a lost watch, for the log. */
  readonly onTrouble?: (error: unknown) => void;
}

/** A local copy of a set of objects, kept by a list and a watch. After any failure, it continues after growing pauses. */
export class Informer<T extends KubeObject> {
  readonly #options: InformerOptions;
  readonly #source: ListWatch<T>;
  readonly #items = new Map<string, T>();
  readonly #listeners = new Set<(name: string, object: T | undefined) => void>();
  #synced: PromiseWithResolversLike = resolvers();

  constructor(options: InformerOptions) {
    const { client, resource, query, clock } = options;
    this.#options = options;
    this.#source = new ListWatch<T>({
      what: resource,
      clock,
      listMs: LIST_MS,
      list: (signal) => client.list<T>(resource, query, signal),
      watch: (more, signal) => client.stream(client.path(resource), { ...query, ...more }, signal),
      onList: (list) => this.#onList(list),
      onEvent: (event) => this.#onEvent(event),
    });
  }

  get(name: string): T | undefined {
    return this.#items.get(name);
  }

  all(): T[] {
    return [...this.#items.values()];
  }

  /** Resolves once the first list has arrived; remains so while the copy is kept. */
  get synced(): Promise<void> {
    return this.#synced.promise;
  }

  get isSynced(): boolean {
    return this.#source.version !== '';
  }

  /** Calls back for every change, with `undefined` when the object is gone. Returns a function that ends the subscription. */
  onChange(listener: (name: string, object: T | undefined) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Adds the result of a write, so that readers see their own writes; ignored if the watch already has a newer version. */
  learn(object: T): void {
    const name = object.metadata?.name;
    if (name === undefined) return;
    const version = object.metadata?.resourceVersion;
    if (newer(version, this.#source.version) && newer(version, this.#items.get(name)?.metadata?.resourceVersion)) {
      this.#set(name, object);
    }
  }

  /** Keeps the copy until the signal aborts, then forgets it. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, onTrouble, optional } = this.#options;
    let wait = FIRST_PAUSE_MS;
    try {
      while (!signal.aborted) {
        const before = this.#source.version;
        let forbidden = false;
        try {
          await this.#source.round(signal);
        } catch (error) {
          if (signal.aborted) return;
          forbidden = optional === true && isStatus(error, 403);
          if (forbidden) this.#synced.resolve();
          else onTrouble?.(error);
        }
        // watches end from time to time; one that brought no event must not become a tight loop
        const { version } = this.#source;
        if (version !== before && version !== '') wait = FIRST_PAUSE_MS;
        await pause(clock, forbidden ? FORBIDDEN_PAUSE_MS : wait, signal);
        wait = Math.min(wait * 2, LONGEST_PAUSE_MS);
      }
    } finally {
      this.#items.clear();
      this.#source.reset();
      this.#synced = resolvers();
    }
  }

  #onList(list: ObjectList<T>): void {
    const gone = new Set(this.#items.keys());
    for (const item of list.items) {
      gone.delete(item.metadata!.name!);
      if (this.#items.get(item.metadata!.name!)?.metadata?.resourceVersion !== item.metadata!.resourceVersion) {
        this.#set(item.metadata!.name!, item);
      }
    }
    for (const name of gone) this.#set(name, undefined);
    this.#synced.resolve();
  }

  #onEvent({ type, object }: WatchEvent<T>): void {
    const name = object.metadata?.name;
    if (type === 'BOOKMARK' || name === undefined) return;
    this.#set(name, type === 'DELETED' ? undefined : object);
  }

  #set(name: string, object: T | undefined): void {
    if (object === undefined) this.#items.delete(name);
    else {
      // no reader uses this field, and it is as large as the rest
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
