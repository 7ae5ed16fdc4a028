import type { Command } from '@streamspace/protocol';
import { codeOf, type Answer, type Hub } from './hub.ts';
import { type Fact, isFinal, type Op } from './history.ts';
import { TEMPLATE } from './counter.ts';

/** The mix: eight lists a second, a session created every three seconds, and each of them deleted two seconds after its creation ended. */
const MIX = { listMs: 125, createMs: 3_000, lifeMs: 2_000 };
/** Sessions at once. */
const MOST_SESSIONS = 12;
/** Milliseconds before an unanswered request is repeated. */
const AGAIN_MS = 150;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Users' programs: commands at a steady rate, whatever their duration, with or without answers. A session's creation and
 * deletion is requested until there is an answer; the next list replaces an unanswered one.
 */
export class Load {
  readonly #hub: Hub;
  readonly #note: (fact: Fact) => void;
  readonly #at: (wall: string) => number;
  /** Accepted commands that are not final yet, with a callback for their end. */
  readonly #open = new Map<string, (state: string) => void>();
  /** Events that arrived before the answer that names their command. */
  readonly #early = new Map<string, Command>();
  readonly #sessions = new Set<string>();
  readonly #timers = new Set<NodeJS.Timeout>();
  /** Existing sessions, with the function that deletes each. */
  readonly #later = new Map<string, () => void>();
  readonly #giveUp = new AbortController();
  #asking = 0;
  #count = 0;
  #stopped = false;

  constructor(hub: Hub, note: (fact: Fact) => void, at: (wall: string) => number) {
    this.#hub = hub;
    this.#note = note;
    this.#at = at;
  }

  start(prefix: string): void {
    this.#timers.add(setInterval(() => void this.#list(`${prefix}-l${this.#count++}`), MIX.listMs));
    this.#timers.add(setInterval(() => void this.#create(`${prefix}-c${this.#count++}`), MIX.createMs));
    void this.#create(`${prefix}-c${this.#count++}`);
  }

  /** The state of a command, as the hub's events tell it. */
  seen(command: Command): void {
    const { id, state, attempt, error, updated_at } = command;
    if (!this.#open.has(id)) {
      // our command, whose answer has not arrived, or another client's
      if (this.#asking > 0 && this.#early.size < 10_000) this.#early.set(`${id} ${state}`, command);
      return;
    }
    const code = error === null ? {} : { code: error.code };
    this.#note({ kind: 'seen', command: id, state, attempt, at: this.#at(updated_at), ...code });
    if (!isFinal(state)) return;
    const then = this.#open.get(id);
    this.#open.delete(id);
    then?.(state);
  }

  /** No new requests except deletions of created sessions; resolves when all accepted commands are final, or after `limitMs`. */
  async stop(limitMs: number): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#timers) clearInterval(timer);
    for (const remove of this.#later.values()) remove();
    const end = performance.now() + limitMs;
    let rest = 0;
    while (performance.now() < end && (this.#open.size > 0 || this.#asking > 0 || this.#sessions.size > 0)) {
      await pause(50);
      // events report most states; the others are requested
      if (++rest % 10 === 0)
        for (const id of [...this.#open.keys()].slice(0, 50)) {
          const { status, body } = await this.#hub.command(id).catch(() => ({ status: 0, body: undefined }));
          if (status === 200) this.seen(body as Command);
          if (status === 404) {
            this.#note({ kind: 'seen', command: id, state: 'unknown', attempt: 0, at: 0 });
            this.#open.delete(id);
          }
        }
    }
    this.#giveUp.abort();
  }

  async #list(key: string): Promise<void> {
    const answer = await this.#ask(key, 'list', () => this.#hub.list());
    if (answer !== undefined) this.#accepted(key, 'list', answer, null);
  }

  async #create(key: string): Promise<void> {
    // slow pods must not accumulate: they share the machine
    if (this.#sessions.size >= MOST_SESSIONS) return;
    const answer = await this.#until(key, 'create', () => this.#hub.create(key, TEMPLATE));
    if (answer === undefined) return;
    const { id } = answer.session;
    this.#sessions.add(id);
    this.#accepted(key, 'create', answer.command, id, () => {
      const remove = () => void (this.#later.delete(id) && this.#delete(`${key}-d`, id));
      this.#later.set(id, remove);
      if (this.#stopped) remove();
      else setTimeout(remove, MIX.lifeMs);
    });
  }

  async #delete(key: string, session: string): Promise<void> {
    const answer = await this.#until(key, 'delete', () => this.#hub.delete(session));
    if (answer === undefined) this.#sessions.delete(session);
    else this.#accepted(key, 'delete', answer.command, session, () => this.#sessions.delete(session));
  }

  #accepted(
    key: string,
    op: Op,
    { id }: Command,
    session: string | null,
    then: (state: string) => void = () => {},
  ): void {
    this.#note({ kind: 'accepted', key, op, command: id, session });
    this.#open.set(id, then);
    for (const state of ['sent', 'ack', 'completed', 'failed']) {
      const early = this.#early.get(`${id} ${state}`);
      if (early !== undefined) this.seen(early);
    }
    if (this.#asking === 0) this.#early.clear();
  }

  /** Asks until it is accepted or refused for good; undefined: refused, or there was no time. */
  async #until<T>(key: string, op: Op, ask: () => Promise<Answer<T>>): Promise<T | undefined> {
    while (!this.#giveUp.signal.aborted) {
      let final = false;
      const body = await this.#ask(key, op, ask, (status) => (final = status < 500 && status !== 429));
      if (body !== undefined || final) return body;
      await pause(AGAIN_MS);
    }
    return undefined;
  }

  async #ask<T>(
    key: string,
    op: Op,
    ask: () => Promise<Answer<T>>,
    refused: (status: number) => void = () => {},
  ): Promise<T | undefined> {
    this.#asking++;
    this.#note({ kind: 'asked', key, op });
    try {
      const { status, body } = await ask();
      if (status === 202) return body;
      this.#note({ kind: 'refused', key, op, status, code: codeOf(body) });
      refused(status);
    } catch (error) {
      this.#note({ kind: 'unanswered', key, op, why: (error as Error).message });
    } finally {
      this.#asking--;
    }
    return undefined;
  }
}
