import type { Event } from '@streamspace/protocol';
import { type Clock, whenAborted } from 'clock-port';
import type { EventStore } from '../store.ts';
import { KEPT_EVENTS } from '../kept.ts';
import { KeptEvents } from './kept-events.ts';

export function memoryEvents(clock: Clock): EventStore {
  const all = new KeptEvents(KEPT_EVENTS.all);
  /** Plain updates are kept separately, so that they don't displace elections, the purpose of a timeline. */
  const timelines = { updates: new Map<string, KeptEvents>(), others: new Map<string, KeptEvents>() };
  const subscribers = new Set<(event: Event) => void>();
  // microseconds since 1970: above every id of an earlier process
  let last = clock.now() * 1_000;

  const keep = (event: Event): void => {
    const bytes = Buffer.byteLength(JSON.stringify(event));
    all.push(event, bytes);
    if (event.agent === null || !event.type.startsWith('agent.')) return;
    const part = event.type === 'agent.updated' ? 'updates' : 'others';
    const timeline = timelines[part].get(event.agent) ?? new KeptEvents(KEPT_EVENTS[part]);
    timelines[part].set(event.agent, timeline);
    timeline.push(event, bytes);
  };

  return {
    async append(event) {
      const kept: Event = { ...event, id: ++last };
      keep(kept);
      for (const subscriber of subscribers) subscriber(kept);
      return kept;
    },

    async since(id, filter = {}) {
      const { agent } = filter;
      const found =
        agent === undefined
          ? all.after(id)
          : [timelines.updates, timelines.others]
              .flatMap((timeline) => timeline.get(agent)?.after(id) ?? [])
              .toSorted((a, b) => a.id - b.id);
      return filter.limit === undefined ? found : found.slice(Math.max(0, found.length - filter.limit));
    },

    subscribe(onEvent, signal) {
      if (signal.aborted) return;
      // separate subscriptions, even of the same function
      const subscriber = (event: Event) => onEvent(event);
      subscribers.add(subscriber);
      whenAborted(signal, () => subscribers.delete(subscriber));
    },
  };
}
