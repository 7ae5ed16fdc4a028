import type { Event } from '@streamspace/protocol';
import type { Clock } from 'clock-port';
import type { RedisConnection } from './connection.ts';
import { eventOf } from './entries.ts';
import { follow } from './follow.ts';
import { KEYS } from './keys.ts';
import { SCRIPTS } from './scripts.ts';

interface Subscriber {
  readonly onEvent: (event: Event) => void;
  /** Id of the last event that was before it, as far as is known here. */
  readonly after: number;
}

interface Place {
  /** Which server has the events. */
  server: string;
  /** The last id there. */
  last: number;
}

/**
 * Follows the events for all who subscribe in this process, while there is anybody. Reads on from the last id, also on a new connection:
 * nothing is missed but what is not kept any more.
 */
export class Tail {
  readonly #connection: RedisConnection;
  readonly #clock: Clock;
  readonly #onError: (error: Error) => void;
  readonly #subscribers = new Set<Subscriber>();
  readonly #closing = new AbortController();
  /** The greatest id known: read, or given to an event of this process. */
  #known = 0;
  #run: { stop: AbortController; done: Promise<void> } | undefined;

  constructor(connection: RedisConnection, clock: Clock, onError: (error: Error) => void) {
    this.#connection = connection;
    this.#clock = clock;
    this.#onError = onError;
  }

  /** An event of this process has that id. */
  appended(id: number): void {
    if (id > this.#known) this.#known = id;
  }

  subscribe(onEvent: (event: Event) => void, signal: AbortSignal): void {
    if (signal.aborted || this.#closing.signal.aborted) return;
    const subscriber = { onEvent, after: this.#known };
    this.#subscribers.add(subscriber);
    signal.addEventListener('abort', () => this.#leave(subscriber), { once: true });
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
    // asked for at once, before anything that this process appends from now on
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
    // not by its hash: a server that doesn't know it would answer only after what is sent next
    const found = await this.#connection.do((client) => client.eval(text, 2, KEYS.events, KEYS.eventId, server));
    const [now, last] = found as [string, string];
    return { server: now, last: Number(last) };
  }
}
