import type { Event } from '@streamspace/protocol';
import { type Clock, whenAborted } from 'clock-port';
import type { RedisConnection } from './connection.ts';
import { eventOf } from './entries.ts';
import { follow } from './follow.ts';
import { KEYS } from './keys.ts';
import { SCRIPTS } from './scripts.ts';

interface Subscriber {
  readonly onEvent: (event: Event) => void;
  /** Id of the last event before the subscription, as far as this process knows. */
  readonly after: number;
}

interface Place {
  /** The server that holds the events. */
  server: string;
  /** The last id on that server. */
  last: number;
}

/**
 * Follows the events for all subscribers in this process, while there are any. Continues after the last id, also on a new connection: only
 * events that are no longer kept are missed.
 */
export class Tail {
  readonly #connection: RedisConnection;
  readonly #clock: Clock;
  readonly #onError: (error: Error) => void;
  readonly #subscribers = new Set<Subscriber>();
  readonly #closing = new AbortController();
  /** The greatest known id: read here, or given to an event of this process. */
  #known = 0;
  #run: { stop: AbortController; done: Promise<void> } | undefined;

  constructor(connection: RedisConnection, clock: Clock, onError: (error: Error) => void) {
    this.#connection = connection;
    this.#clock = clock;
    this.#onError = onError;
  }

  /** Records the id of an event of this process. */
  appended(id: number): void {
    if (id > this.#known) this.#known = id;
  }

  subscribe(onEvent: (event: Event) => void, signal: AbortSignal): void {
    if (signal.aborted || this.#closing.signal.aborted) return;
    const subscriber = { onEvent, after: this.#known };
    this.#subscribers.add(subscriber);
    whenAborted(signal, () => this.#leave(subscriber));
    if (this.#run !== undefined) return;
    const stop = new AbortController();
    this.#run = { stop, done: this.#follow(AbortSignal.any([stop.signal, this.#closing.signal])) };
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('the store is closed'));
    this.#subscribers.clear();
    await this.#run?.done;
  }

  #leave(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber);
    if (this.#subscribers.size > 0) return;
    this.#run?.stop.abort(new Error('the last follower has left'));
    this.#run = undefined;
  }

  #follow(signal: AbortSignal): Promise<void> {
    // requested at once, before any further event of this process
    const first = this.#look('').catch(() => undefined);
    let server: string | undefined;
    let position: number | undefined;
    const begin = async (): Promise<string> => {
      const before = position === undefined ? await first : undefined;
      const now = await this.#look(server ?? before?.server ?? '');
      server = now.server;
      position ??= before?.last ?? now.last;
      return `${position}-0`;
    };
    return follow(
      {
        connection: this.#connection,
        clock: this.#clock,
        stream: KEYS.events,
        begin,
        onEntry: (entry) => {
          const event = eventOf(entry);
          position = event.id;
          this.appended(event.id);
          for (const { onEvent, after } of this.#subscribers) if (event.id > after) onEvent(event);
        },
        onError: this.#onError,
      },
      signal,
    );
  }

  async #look(server: string): Promise<Place> {
    const { text } = SCRIPTS.lookAtEvents;
    // not by its hash: a server without the script would answer only after the next command
    const found = await this.#connection.do((client) => client.eval(text, 2, KEYS.events, KEYS.eventId, server));
    const [now, last] = found as [string, string];
    return { server: now, last: Number(last) };
  }
}
