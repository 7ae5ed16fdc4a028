import type { Event } from '@streamspace/protocol';
import { createParser } from 'eventsource-parser';
import { fullJitter, delay } from './backoff.ts';
import type { Http } from './http.ts';

/** The hub sends a comment every 15 s at least; three missing ones mean that nobody is there. */
const SILENCE_MS = 45_000;
/** After this long a stream counts as steady, and the next attempt is fast again. */
const STEADY_MS = 10_000;
/** Characters of one event; with more the stream is given up. */
const MAX_EVENT = 4 * 1024 * 1024;

export interface Follower {
  /** The stream is open; events from now on arrive. Called again after every reconnect. */
  onOpen(): void;
  onEvent(event: Event): void;
  /** What was missed is not kept any more, or the hub began anew: everything has to be read again. */
  onReset(): void;
  /** The stream is down; it is tried again in `retryMs`. */
  onDown(error: unknown, retryMs: number): void;
}

/** Follows the hub's event stream, resuming where it stopped, until the signal aborts. Never rejects. */
export async function followEvents(http: Http, follower: Follower, signal: AbortSignal): Promise<void> {
  let lastId = '';
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    const started = performance.now();
    try {
      return await readStream(http, follower, lastId, signal);
    } catch (error) {
      if (signal.aborted) return;
      // A hub that was away may have begun its history anew, and its ids with it.
      lastId = error instanceof StreamError && error.opened ? error.lastId : '';
      if (performance.now() - started > STEADY_MS) attempt = 0;
      const wait = fullJitter(attempt, Math.random(), { base: 500, max: 15_000 });
      follower.onDown(error, wait);
      await delay(wait, signal);
    }
  }
}

class StreamError extends Error {
  readonly lastId: string;
  readonly opened: boolean;
  constructor(lastId: string, opened: boolean, cause: unknown) {
    super('The stream broke', { cause });
    this.lastId = lastId;
    this.opened = opened;
  }
}

/** Reads one connection to its end; rejects with {@link StreamError}, always: a stream has no good end. */
async function readStream(http: Http, follower: Follower, lastId: string, signal: AbortSignal): Promise<never> {
  const silence = new AbortController();
  const both = AbortSignal.any([signal, silence.signal]);
  const alarm = () => silence.abort(new Error('The stream went silent'));
  let timer = setTimeout(alarm, SILENCE_MS);
  let seen = lastId;
  let opened = false;
  try {
    const headers = { accept: 'text/event-stream', ...(lastId !== '' && { 'last-event-id': lastId }) };
    const response = await http.open('/events', headers, both);
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    const parser = createParser({
      maxBufferSize: MAX_EVENT,
      onError: (error) => {
        // unknown fields are for newer pages
        if (error.type === 'max-buffer-size-exceeded') throw error;
      },
      onEvent: ({ event: name, id, data }) => {
        if (id) seen = id;
        if (name === 'reset') {
          seen = '';
          return follower.onReset();
        }
        const event = parseEvent(data);
        if (event) follower.onEvent(event);
      },
    });
    opened = true;
    follower.onOpen();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) throw new Error('The stream ended');
      clearTimeout(timer);
      timer = setTimeout(alarm, SILENCE_MS);
      parser.feed(value);
    }
  } catch (error) {
    throw new StreamError(seen, opened, error);
  } finally {
    clearTimeout(timer);
    silence.abort();
  }
}

function parseEvent(data: string): Event | undefined {
  try {
    const event = JSON.parse(data) as Event;
    return typeof event?.type === 'string' && typeof event.data === 'object' ? event : undefined;
  } catch {
    return undefined;
  }
}
