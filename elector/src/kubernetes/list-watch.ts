import { deadline, type Clock } from 'clock-port';
import { LockError } from '../lock.ts';
import { ApiError, type ApiClient } from './api-client.ts';

export interface KubernetesObject {
  readonly metadata?: { readonly name?: string; readonly uid?: string; readonly resourceVersion?: string };
}

/** What is known of the one object: `undefined` when it is not there. `revision`: of the event, or of the list. */
export interface Sighting<T> {
  readonly object: T | undefined;
  readonly revision: string;
  readonly listed: boolean;
}

interface ListWatchOptions<T> {
  readonly client: ApiClient;
  readonly clock: Clock;
  /** Of the collection, e.g. `/api/v1/namespaces/x/pods`. */
  readonly path: string;
  readonly name: string;
  /** Answers whether the list must be read again, because it is older than what is known. */
  readonly onSighting: (sighting: Sighting<T>) => 'list again' | void;
}

interface List<T> {
  readonly metadata?: { readonly resourceVersion?: string };
  readonly items?: T[];
}

interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: T & { readonly code?: number; readonly message?: string };
}

const LIST_DEADLINE_MS = 5000;
/** The server sends a bookmark about once a minute: silence for longer means a dead connection. */
const IDLE_DEADLINE_MS = 90_000;
/** After so long the server ends the watch by itself; it is resumed where it ended. */
const SERVER_TIMEOUT_S = 540;
const GONE = 410;

/**
 * Lists and watches one object until the signal aborts. Resumes a broken watch where it ended; lists anew when the server no longer
 * knows that place. Rejects when that fails as well: then something may have been missed.
 */
export async function listWatch<T extends KubernetesObject>(
  options: ListWatchOptions<T>,
  signal: AbortSignal,
): Promise<void> {
  const { client, clock, path, name, onSighting } = options;
  const selector = `fieldSelector=${encodeURIComponent(`metadata.name=${name}`)}`;
  let revision: string | undefined;
  let failures = 0;
  while (!signal.aborted) {
    if (revision === undefined) {
      const limit = deadline(clock, LIST_DEADLINE_MS, 'list', signal);
      let list: List<T>;
      try {
        list = await client.call<List<T>>({ method: 'GET', path: `${path}?${selector}` }, limit.signal);
      } finally {
        limit.clear();
      }
      const listRevision = list.metadata?.resourceVersion ?? '';
      if (onSighting({ object: list.items?.[0], revision: listRevision, listed: true }) === 'list again') continue;
      revision = listRevision;
    }
    try {
      const query = `watch=1&allowWatchBookmarks=true&timeoutSeconds=${SERVER_TIMEOUT_S}&resourceVersion=${revision}`;
      const from: string = revision;
      for await (const event of events<T>(options, `${path}?${selector}&${query}`, signal)) {
        failures = 0;
        if (event.type === 'ERROR') {
          throw new ApiError(event.object.code ?? 500, `watch: ${event.object.message ?? 'failed'}`);
        }
        revision = event.object.metadata?.resourceVersion ?? from;
        if (event.type === 'BOOKMARK') continue;
        onSighting({ object: event.type === 'DELETED' ? undefined : event.object, revision, listed: false });
      }
      // the server ended it in good order: go on where it ended
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiError && error.status === GONE) revision = undefined;
      else if (++failures > 1) throw error;
    }
  }
}

async function* events<T>(
  { client, clock }: ListWatchOptions<T>,
  path: string,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent<T>> {
  let idle = deadline(clock, IDLE_DEADLINE_MS, 'watch', signal);
  // one signal for the connection, aborted by whichever idle deadline runs out
  const connection = new AbortController();
  const abort = (reason: AbortSignal) => () => connection.abort(reason.reason);
  const arm = () => idle.signal.addEventListener('abort', abort(idle.signal), { once: true });
  arm();
  try {
    signal.throwIfAborted();
    for await (const line of client.lines(path, connection.signal)) {
      idle.clear();
      idle = deadline(clock, IDLE_DEADLINE_MS, 'watch', signal);
      arm();
      let event: WatchEvent<T>;
      try {
        event = JSON.parse(line) as WatchEvent<T>;
      } catch (cause) {
        throw new LockError('the API server sent a line that is not JSON', { cause });
      }
      yield event;
    }
  } finally {
    idle.clear();
    connection.abort(new Error('the watch is over'));
  }
}
