import type { Clock } from 'clock-port';
import { type Connection, isStatus, type KubeObject, ListWatch } from 'kube-client';

/** The current state of the one object: `undefined` when it does not exist. `revision`: of the event, or of the list. */
export interface Sighting<T> {
  readonly object: T | undefined;
  readonly revision: string;
  readonly listed: boolean;
}

interface OneObjectOptions<T> {
  readonly connection: Connection;
  readonly clock: Clock;
  /** Path of the collection, e.g. `/api/v1/namespaces/x/pods`. */
  readonly path: string;
  readonly name: string;
  /** Returns whether the list must be read again, because it is older than the known state. */
  readonly onSighting: (sighting: Sighting<T>) => 'list again' | void;
}

const LIST_MS = 5000;
const GONE = 410;

/**
 * Lists and watches one object until the signal aborts. Continues after the end or failure of a watch; rejects when the new watch fails too,
 * and when a list fails: then changes may have been missed.
 */
export async function watchOne<T extends KubeObject>(options: OneObjectOptions<T>, signal: AbortSignal): Promise<void> {
  const { connection, clock, path, name, onSighting } = options;
  const query = { fieldSelector: `metadata.name=${name}` };
  let failures = 0;
  const source = new ListWatch<T>({
    what: `${path}/${name}`,
    clock,
    listMs: LIST_MS,
    list: (limit) => connection.json({ method: 'GET', path, query }, limit),
    watch: (more, end) => connection.stream(path, { ...query, ...more }, end),
    onList: ({ metadata, items }) =>
      onSighting({ object: items?.[0], revision: metadata?.resourceVersion ?? '', listed: true }),
    onEvent: ({ type, object }) => {
      failures = 0;
      if (type === 'BOOKMARK') return;
      const revision = source.version;
      onSighting({ object: type === 'DELETED' ? undefined : object, revision, listed: false });
    },
  });
  while (!signal.aborted) {
    try {
      await source.round(signal);
    } catch (error) {
      if (signal.aborted) return;
      const listFailed = source.version === '' && !isStatus(error, GONE);
      if (listFailed || ++failures > 1) throw error;
    }
  }
}
