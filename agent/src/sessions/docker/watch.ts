import { isDeepStrictEqual } from 'node:util';
import type { SessionStatus } from '@streamspace/protocol';
import { coalesce, Outage, pause, type Timer } from 'clock-port';
import type { Operations } from '../core/operations.ts';
import { jsonLines } from './engine/json-lines.ts';
import { startInName } from './objects/names.ts';
import type { DockerDriverOptions } from './options.ts';
import type { EngineListing } from './state/listing.ts';

/** Milliseconds between two looks at everything, whatever the engine tells; until an event stream that broke is opened again. */
const LOOK_MS = { resync: 30_000, retry: 1_000 };
/**
 * An engine may tell of an end before its list shows it: what it tells is looked at at once, and again after so many milliseconds; an end that was told
 * and is not shown yet is looked for some times more, each after twice as long.
 */
const AGAIN = { ms: 250, times: 6 };
/** What may have changed a session: e.g. `die`, `destroy`, `pause`. */
const NEWS = /^(create|start|die|oom|destroy|kill|stop|pause|unpause|restart|rename)$/;

interface EngineEvent {
  readonly Type?: string;
  readonly Action?: string;
  readonly status?: string;
  readonly Actor?: { readonly Attributes?: Readonly<Record<string, string>> };
}

type WatchOptions = Pick<DockerDriverOptions, 'engine' | 'clock' | 'log' | 'agentId'>;

/** How sessions are, and what is to be done about it now and then. */
type Listing = Pick<EngineListing, 'statuses' | 'sweep'>;

/** Compares what the engine shows with what was told last, and tells the difference; sweeps up now and then. */
export class EngineWatch {
  readonly #options: WatchOptions;
  readonly #listing: Listing;
  readonly #operations: Operations;
  readonly #onChange: (sessionId: string, status: SessionStatus | undefined) => void;
  readonly #onNews: () => void;
  readonly #signal: AbortSignal;
  readonly #resyncMs: number;
  readonly #told = new Map<string, SessionStatus>();
  /** Sessions whose operation has done what was asked: what came of it is no news. */
  readonly #ours = new Set<string>();
  readonly #outage: Outage;
  #again: Timer | undefined;
  /** Sessions whose container has ended, as the engine told, and that it still shows as running. */
  readonly #ending = new Set<string>();
  readonly #look = coalesce(() => this.#compare());

  constructor(
    parts: {
      readonly options: WatchOptions;
      readonly listing: Listing;
      readonly operations: Operations;
      /** Called when a container has changed. */
      readonly onNews: () => void;
      /** Milliseconds between two looks at everything, whatever the engine tells. */
      readonly resyncMs?: number;
    },
    onChange: (sessionId: string, status: SessionStatus | undefined) => void,
    signal: AbortSignal,
  ) {
    this.#options = parts.options;
    this.#listing = parts.listing;
    this.#operations = parts.operations;
    this.#onNews = parts.onNews;
    this.#onChange = onChange;
    this.#signal = signal;
    this.#resyncMs = parts.resyncMs ?? LOOK_MS.resync;
    this.#outage = new Outage(parts.options.clock, parts.options.log, 'Sessions can’t be looked at; trying again');
  }

  /** Until the signal aborts. */
  async run(): Promise<void> {
    const deafen = this.#operations.listen(
      (id, status) => this.#tell(id, status),
      (id, ending) => {
        if (ending !== undefined) this.#ours.add(id);
        void this.#look();
      },
    );
    try {
      // what is so at the beginning is no news, but for a failure: it may be one that nobody was there to tell
      for (const status of await this.#listing.statuses(this.#signal))
        if (status.state !== 'failed') this.#told.set(status.spec.id, status);
      await Promise.all([this.#listen(), this.#resync()]);
    } finally {
      deafen();
      this.#outage.stop();
      this.#again?.cancel();
    }
  }

  #heard(action: string, session: string | undefined): void {
    if (action === 'die' && session !== undefined) this.#ending.add(session);
    if (action === 'start' && session !== undefined) this.#ending.delete(session);
    void this.#look();
    this.#onNews();
    this.#again ??= this.#lookAgain(0);
  }

  #lookAgain(times: number): Timer {
    return this.#options.clock.setTimeout(
      () => {
        this.#again = undefined;
        void this.#look().then(() => {
          if (this.#ending.size === 0 || this.#signal.aborted) return;
          if (times < AGAIN.times) this.#again ??= this.#lookAgain(times + 1);
          else this.#ending.clear();
        });
      },
      AGAIN.ms * 2 ** times,
    );
  }

  async #listen(): Promise<void> {
    const { engine, clock, agentId } = this.#options;
    while (!this.#signal.aborted) {
      try {
        // by label alone: Podman delivers nothing for some other filters
        const query = { filters: { label: [`agent=${agentId}`] } };
        const events = await engine.stream('/events', { query }, this.#signal);
        // what happened before it was listened to
        void this.#look();
        for await (const { Type, Action, status, Actor } of jsonLines<EngineEvent>(events)) {
          const action = Action ?? status ?? '';
          if (Type !== 'container' || !NEWS.test(action)) continue;
          const { session, name = '' } = Actor?.Attributes ?? {};
          this.#heard(action, session ?? startInName(name)?.session);
        }
      } catch (error) {
        if (!this.#signal.aborted) this.#outage.failed({ err: error });
      }
      await pause(clock, LOOK_MS.retry, this.#signal);
    }
  }

  async #resync(): Promise<void> {
    while (!this.#signal.aborted) {
      await this.#look();
      try {
        await this.#listing.sweep(this.#signal);
      } catch (error) {
        if (!this.#signal.aborted) this.#outage.failed({ err: error });
      }
      await pause(this.#options.clock, this.#resyncMs, this.#signal);
    }
  }

  async #compare(): Promise<void> {
    if (this.#signal.aborted) return;
    const ours = new Set(this.#ours);
    this.#ours.clear();
    try {
      const began = (id: string) => this.#operations.concern(id);
      const busy = new Set([...this.#told.keys()].filter(began));
      const now = new Map((await this.#listing.statuses(this.#signal)).map((status) => [status.spec.id, status]));
      this.#outage.over();
      for (const id of this.#ending) if (now.get(id)?.state !== 'running') this.#ending.delete(id);
      for (const id of new Set([...this.#told.keys(), ...now.keys()])) {
        // what goes on, or went on while it was looked at, tells by itself
        if (busy.has(id) || this.#operations.concern(id) || this.#ours.has(id)) continue;
        const status = now.get(id);
        if (ours.has(id)) this.#keep(id, status);
        else this.#tell(id, status);
      }
    } catch (error) {
      for (const id of ours) this.#ours.add(id);
      if (!this.#signal.aborted) this.#outage.failed({ err: error });
    }
  }

  #keep(id: string, status: SessionStatus | undefined): void {
    if (status === undefined) this.#told.delete(id);
    else this.#told.set(id, status);
  }

  #tell(id: string, status: SessionStatus | undefined): void {
    if (this.#signal.aborted || isDeepStrictEqual(this.#told.get(id), status)) return;
    this.#keep(id, status);
    this.#onChange(id, status);
  }
}
