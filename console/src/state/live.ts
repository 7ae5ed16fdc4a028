import { type ReadonlySignal, signal } from '@preact/signals';
import type { Event } from '@streamspace/protocol';
import { followEvents } from '../api/live.ts';
import { wordsOf } from '../words/sentence.ts';
import { RestError, type Http } from '../api/http.ts';
import type { HubApi } from '../api/hub.ts';
import type { World } from './world.ts';

type Link = 'connecting' | 'live' | 'down';

/** Keeps the world up to date while a user is signed in. */
export interface LiveFeed {
  readonly link: ReadonlySignal<Link>;
  /** Why no data is available, in words; null without a failure. */
  readonly problem: ReadonlySignal<string | null>;
  /** Grows when the hub restarts its history: earlier event ids are then invalid. */
  readonly epoch: ReadonlySignal<number>;
  /** Milliseconds that the hub's clock is ahead of this browser's, as estimated from events. */
  readonly hubAheadMs: ReadonlySignal<number>;
  /** Calls back for every event from now on; returns the unsubscribe function. */
  listen(onEvent: (event: Event) => void): () => void;
  /** Fetches the agents again: their load and heartbeats are not events. */
  refreshAgents(): Promise<void>;
  /** Runs until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export function createLive(http: Http, hub: HubApi, world: World, admin: ReadonlySignal<boolean>): LiveFeed {
  const link = signal<Link>('connecting');
  const problem = signal<string | null>(null);
  const epoch = signal(0);
  const hubAheadMs = signal(0);
  let heard = Number.NEGATIVE_INFINITY;
  /** Events may be late or repeated: the fastest one gives the best estimate. */
  const compareClocks = (at: string) => {
    const ahead = Date.parse(at) - Date.now();
    if (ahead > heard) hubAheadMs.value = heard = ahead;
  };
  const listeners = new Set<(event: Event) => void>();
  let generation = 0;

  const load = async (): Promise<void> => {
    const mine = ++generation;
    // Changes during the fetch of the lists are in the events: the stream is already open, and its events are applied on top.
    const meanwhile: Event[] = [];
    const stop = listen((event) => void meanwhile.push(event));
    try {
      const [agents, sessions, templates] = await Promise.all([
        allowed(hub.agents()),
        hub.sessions(admin.value),
        hub.templates(),
      ]);
      if (mine !== generation) return;
      world.fill({ agents, sessions, templates });
      for (const event of meanwhile) world.apply(event);
      problem.value = null;
    } catch (error) {
      if (mine === generation) problem.value = wordsOf(error);
    } finally {
      stop();
    }
  };
  const listen = (onEvent: (event: Event) => void) => {
    listeners.add(onEvent);
    return () => void listeners.delete(onEvent);
  };

  return {
    link,
    problem,
    epoch,
    hubAheadMs,
    listen,
    async refreshAgents() {
      const agents = await allowed(hub.agents()).catch(() => undefined);
      if (agents) world.fill({ agents });
    },
    async run(aborted) {
      link.value = 'connecting';
      await followEvents(
        http,
        {
          onOpen() {
            link.value = 'live';
            void load();
          },
          onReset() {
            epoch.value += 1;
            void load();
          },
          onEvent(event) {
            compareClocks(event.at);
            world.apply(event);
            for (const listener of listeners) listener(event);
          },
          onDown(error) {
            link.value = 'down';
            if (!world.loaded.value) problem.value = causeOf(error);
          },
        },
        aborted,
      );
      generation += 1;
      world.clear();
    },
  };
}

/** Some lists are for admins only: empty for other users. */
async function allowed<T>(list: Promise<T[]>): Promise<T[]> {
  return list.catch((error: unknown) => {
    if (error instanceof RestError && error.code === 'forbidden') return [];
    throw error;
  });
}

function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return wordsOf(cause);
}
