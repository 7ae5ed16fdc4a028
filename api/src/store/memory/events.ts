import type { Event } from '@streamspace/protocol';
import type { Clock } from 'clock-port';
import type { EventStore } from '../store.ts';
import { KEPT } from './state.ts';

export function memoryEvents(clock: Clock): EventStore {
  const all: Event[] = [];
  const timelines = new Map<string, Event[]>();
  const subscribers = new Set<(event: Event) => void>();
  // microseconds since 1970: above every id of an earlier process
  let last = clock.now() * 1_000;

  const keep = (event: Event): void => {
    all.push(event);
    // in blocks: taking one off the front of a long array each time costs more
    if (all.length > KEPT.events * 1.25) all.splice(0, all.length - KEPT.events);
    if (event.agent === null || !event.type.startsWith('agent.')) return;
    const timeline = timelines.get(event.agent) ?? [];
    timelines.set(event.agent, timeline);
    timeline.push(event);
    if (timeline.length > KEPT.eventsPerAgent) {
      // elections are what a timeline is for: plain updates make room first
      const update = timeline.findIndex((each) => each.type === 'agent.updated');
      timeline.splice(Math.max(0, update), 1);
    }
  };

  return {
    async append(event) {
      const kept: Event = { ...event, id: ++last };
      keep(kept);
      for (const subscriber of subscribers) subscriber(kept);
      return kept;
    },

    async since(id, filter = {}) {
      const events = filter.agent === undefined ? all : (timelines.get(filter.agent) ?? []);
      const found = events.filter((event) => event.id > id);
      return filter.limit === undefined ? found : found.slice(Math.max(0, found.length - filter.limit));
    },

    subscribe(onEvent, signal) {
      if (signal.aborted) return;
      // each subscription by itself, even of the same function
      const subscriber = (event: Event) => onEvent(event);
      subscribers.add(subscriber);
      signal.addEventListener('abort', () => subscribers.delete(subscriber), { once: true });
    },
  };
}
