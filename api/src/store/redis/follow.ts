import { type Clock, outcomeOf, pause, withDeadline } from 'clock-port';
import type { Client } from './client.ts';
import type { RedisConnection } from './connection.ts';
import type { Entry } from './entries.ts';

/** Longest wait of one read for new entries, milliseconds; regular reads reveal a dead connection. */
const BLOCK_MS = 1_000;
const DEADLINE_MS = 2 * BLOCK_MS;
/** Most entries of one read. */
const BATCH = 500;
const PAUSE_MS = 100;

export interface Following {
  readonly connection: RedisConnection;
  readonly clock: Clock;
  /** Key of the stream. */
  readonly stream: string;
  /** The id of the entry after which a new connection continues. */
  readonly begin: () => Promise<string>;
  readonly onEntry: (entry: Entry) => void;
  /** Called for trouble with the connection; another connection follows. */
  readonly onError: (error: Error) => void;
}

/** Follows a stream by blocking reads on a separate connection, until the signal aborts. */
export async function follow(following: Following, signal: AbortSignal): Promise<void> {
  const { connection, clock, onError } = following;
  while (!signal.aborted) {
    const client = connection.another();
    try {
      await readAll(following, client, signal);
    } catch (error) {
      if (!signal.aborted) onError(error as Error);
    } finally {
      client.disconnect();
    }
    await pause(clock, PAUSE_MS, signal);
  }
}

async function readAll(following: Following, client: Client, signal: AbortSignal): Promise<void> {
  const { clock, stream, begin, onEntry } = following;
  const within = <T>(what: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> =>
    withDeadline(clock, DEADLINE_MS, what, signal, work);
  await within('connection to a stream', (limit) => ready(client, limit));
  let position = await begin();
  while (!signal.aborted) {
    const read = await within('stream', () =>
      client.xread('COUNT', BATCH, 'BLOCK', BLOCK_MS, 'STREAMS', stream, position),
    );
    for (const entry of (read?.[0]?.[1] ?? []) as Entry[]) {
      if (signal.aborted) return;
      onEntry(entry);
      [position] = entry;
    }
  }
}

async function ready(client: Client, signal: AbortSignal): Promise<void> {
  if (client.status === 'ready') return;
  await outcomeOf(signal, (resolve) => {
    const onReady = () => resolve();
    client.once('ready', onReady);
    return () => client.off('ready', onReady);
  });
}
