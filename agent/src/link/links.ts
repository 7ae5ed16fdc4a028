import { type Clock, Outage, scope, sleep, whenAborted } from 'clock-port';
import { asStreamSpaceError, StreamSpaceError } from '@streamspace/protocol';
import type { Logger } from 'pino';
import type { Backoff } from './backoff.ts';
import type { HubContact } from './hub-contact.ts';
import type { HubSession } from './hub-session.ts';
import type { Link } from './link.ts';
import { Refused } from './refused.ts';
import type { Registration } from './registration.ts';

export interface LinksOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly backoff: Backoff;
  readonly registration: Pick<Registration, 'open' | 'remedy'>;
  readonly contact: HubContact;
  /** Begins the conversation on a welcomed link. */
  begin(link: Link): HubSession;
}

/** Without an answer, there is no time set for the next attempt. */
const NOT_REFUSED = { retryAfterMs: 0, remedy: undefined };

/** Keeps one link to the hub: reconnects with a backoff, and moves to a new link when the hub asks for that [CON8]. */
export class Links {
  readonly #options: LinksOptions;
  readonly #left = new AbortController();
  readonly #away: Outage;
  /** Ended links, until their sockets are gone. */
  readonly #closing = new Set<Promise<void>>();

  constructor(options: LinksOptions) {
    this.#options = options;
    this.#away = new Outage(options.clock, options.log, 'Not connected');
  }

  /** Resolves when the signal aborts, or after {@link leave}, with all links closed. */
  async run(signal: AbortSignal): Promise<void> {
    const until = scope(signal, this.#left.signal);
    try {
      let link = await this.#open(0, until.signal);
      for (;;) link = (await this.#serve(link, until.signal)) ?? (await this.#reopen(until.signal));
    } catch (error) {
      if (!until.signal.aborted) throw error;
    } finally {
      until.end();
      this.#away.stop();
      await Promise.all(this.#closing);
    }
  }

  /** Tells the hub that this agent leaves [CON7]. The link ends then, and no other follows. */
  leave(reason: string): void {
    const { link } = this.#options.contact;
    link?.tell({ type: 'goodbye', reason });
    link?.end(new StreamSpaceError('going_away', reason), 1000);
    this.#left.abort(new StreamSpaceError('going_away', reason));
  }

  /** Uses the link until it ends; resolves with its successor, if the hub asked for one. */
  async #serve(link: Link, signal: AbortSignal): Promise<Link | undefined> {
    const { log, contact } = this.#options;
    let successor: Promise<Link> | undefined;
    let moved!: () => void;
    const moving = new Promise<void>((resolve) => (moved = resolve));
    const session = this.#options.begin(link);
    void session.goAway.then((afterMs) => {
      log.info({ after_ms: afterMs }, 'Hub asks to connect again');
      successor = this.#open(afterMs, signal);
      successor.then(moved, moved);
    });
    const previous = contact.link;
    contact.up(link);
    previous?.end(new StreamSpaceError('superseded', 'Moved to another connection'), 1000);
    this.#closing.add(link.closed);
    void link.closed.then(() => this.#closing.delete(link.closed));
    log.info({ connection_id: link.welcome.connection_id, term: link.welcome.term }, 'Connected');
    link.run(session);
    const forget = whenAborted(signal, () =>
      link.end(new StreamSpaceError('going_away', 'The agent does not lead any more'), 1001),
    );

    const error = await Promise.race([link.ended, moving.then(() => undefined)]);
    // without an error, the successor takes over and then closes this link
    if (error !== undefined) {
      contact.down();
      if (!signal.aborted) log.warn({ code: error.code, err: error.message }, 'Connection lost');
    }
    forget();
    if (signal.aborted) throw signal.reason;
    return successor;
  }

  #reopen(signal: AbortSignal): Promise<Link> {
    const wait = this.#options.backoff.next();
    this.#options.log.info({ retry_in_ms: Math.round(wait) }, 'Connecting again');
    return this.#open(wait, signal);
  }

  async #open(delay: number, signal: AbortSignal): Promise<Link> {
    const { clock, backoff, registration } = this.#options;
    let remedied = false;
    for (let wait = delay; ;) {
      await sleep(clock, wait, signal);
      try {
        const link = await registration.open(signal);
        if (signal.aborted) {
          link.end(new StreamSpaceError('going_away', 'The agent does not lead any more'), 1001);
          await link.closed;
          throw signal.reason;
        }
        backoff.welcome();
        this.#away.over();
        return link;
      } catch (thrown) {
        signal.throwIfAborted();
        const error = asStreamSpaceError(thrown, 'agent_offline');
        const { retryAfterMs: retryAfter, remedy } = error instanceof Refused ? error : NOT_REFUSED;
        wait = backoff.next(retryAfter);
        // once: a refusal that follows its remedy has another cause
        remedied = !remedied && (await registration.remedy(error, signal));
        if (remedied) wait = retryAfter;
        this.#away.failed({ code: error.code, err: error.message, remedy, retry_in_ms: Math.round(wait) });
      }
    }
  }
}
