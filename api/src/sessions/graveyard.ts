import { type Clock, Outage, pause } from 'clock-port';
import type { FastifyBaseLogger } from 'fastify';
import type { Store } from '../store/store.ts';

/** Milliseconds for which a session stays readable as `gone`, and a late report can't bring it back. */
const KEEP_MS = 60_000;
const SWEEP_MS = 10_000;
/** Most waiting sessions; beyond, the oldest is removed early. */
const MAX_WAITING = 10_000;

/** Removes sessions from the store some time after they are `gone`. */
export class Graveyard {
  readonly #deps: { store: Pick<Store, 'sessions' | 'events'>; clock: Clock; log: FastifyBaseLogger };
  /** Monotonic milliseconds at which each is due; in the order of arrival. */
  readonly #due = new Map<string, number>();

  constructor(deps: { store: Pick<Store, 'sessions' | 'events'>; clock: Clock; log: FastifyBaseLogger }) {
    this.#deps = deps;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { store, clock, log } = this.#deps;
    const outage = new Outage(clock, log, 'Session not removed; trying again');
    store.events.subscribe((event) => {
      if (event.type === 'session.gone' && event.session !== null)
        this.#due.set(event.session, clock.monotonic() + KEEP_MS);
    }, signal);
    while (!signal.aborted) {
      await pause(clock, SWEEP_MS, signal);
      for (const [id, due] of this.#due) {
        if (signal.aborted || (due > clock.monotonic() && this.#due.size <= MAX_WAITING)) break;
        this.#due.delete(id);
        try {
          if ((await store.sessions.get(id))?.state === 'gone') await store.sessions.remove(id);
          outage.over();
        } catch (error) {
          outage.failed({ err: error, session: id });
          this.#due.set(id, clock.monotonic() + KEEP_MS);
          break;
        }
      }
    }
  }
}
