import type { ServerResponse } from 'node:http';
import type { Event } from '@streamspace/protocol';
import { type Clock, type Timer, whenAborted } from 'clock-port';
import type { AuthenticatedUser } from '../auth/users.ts';
import type { EventStore } from '../store/store.ts';
import { publicEvent } from '../public/event.ts';

/** Milliseconds between comments that show that the stream is alive. */
const BEAT_MS = 15_000;
/** Bytes that may wait for a subscriber that doesn't read. */
const MAX_WAITING = 1024 * 1024;
/** Events that may arrive while the kept ones are read. */
const MAX_EARLY = 10_000;

/** Whether that user may see the event: agents are everybody's, sessions and commands their user's [AUTH2]. */
export function maySee(user: Pick<AuthenticatedUser, 'id' | 'admin'>, event: Pick<Event, 'type' | 'user'>): boolean {
  return user.admin || event.user === user.id || event.type.startsWith('agent.');
}

/**
 * Writes events to one subscriber, as server-sent events, until the signal aborts (its reason's message is the last comment), the
 * subscriber leaves, doesn't keep up, or its token ends. Resolves when the stream is over; nothing is left behind.
 */
export async function streamEvents(
  out: ServerResponse,
  {
    events,
    clock,
    user,
    after,
    signal,
  }: {
    events: EventStore;
    clock: Clock;
    user: AuthenticatedUser;
    /** Id of the last event seen; undefined: only what is new. */ after: number | undefined;
    signal: AbortSignal;
  },
): Promise<void> {
  const over = new AbortController();
  let early: Event[] | undefined = [];
  let sent = after;
  let timer: Timer | undefined;
  let forget = (): void => undefined;

  const end = (comment?: string): void => {
    if (over.signal.aborted) return;
    over.abort();
    timer?.cancel();
    forget();
    if (!out.writableEnded) out.end(comment === undefined ? undefined : `: ${comment}\n\n`);
    // one that doesn't read must not hold its socket until TCP gives up
    if (out.writableLength > MAX_WAITING) out.destroy();
  };
  const write = (text: string): void => {
    out.write(text);
    if (out.writableLength > MAX_WAITING) end('too slow: connect again with Last-Event-ID');
  };
  /** The subscriber missed something: it has to read everything again. Up to `id` it counts as told. */
  const reset = (id: number): void => {
    sent = id;
    write('event: reset\ndata: {}\n\n');
  };
  const send = (event: Event): void => {
    if (over.signal.aborted) return;
    // ids are consecutive, also those of events that this user may not see
    if (sent !== undefined && event.id !== sent + 1) reset(event.id);
    sent = event.id;
    if (maySee(user, event))
      write(`id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(publicEvent(event))}\n\n`);
  };
  const beat = (): void => {
    if (clock.now() >= user.expires) return end('the token has expired: connect again with a new one');
    write(': alive\n\n');
    if (!over.signal.aborted)
      timer = clock.setTimeout(beat, Math.max(1, Math.min(BEAT_MS, user.expires - clock.now())));
  };

  forget = whenAborted(signal, () => end((signal.reason as Error).message));
  if (over.signal.aborted) return;
  const closed = new Promise<void>((resolve) => out.once('close', () => resolve()));
  out.once('close', () => end());
  out.on('error', () => end());
  beat();

  // subscribed before reading what is kept, so that nothing falls between the two
  events.subscribe((event) => {
    if (early === undefined) send(event);
    else if (early.length < MAX_EARLY) early.push(event);
    else end('too many events at once: connect again with Last-Event-ID');
  }, over.signal);
  const kept = after === undefined ? [] : await events.since(after);
  // what was missed is not kept any more, or ids began anew: better told at once than sent in part
  if (kept.length > 0 && kept[0]!.id !== after! + 1) reset(kept.at(-1)!.id);
  else for (const event of kept) send(event);
  const upTo = sent;
  const waiting = early;
  early = undefined;
  for (const event of waiting) if (kept.length === 0 || event.id > upTo!) send(event);
  await closed;
}
