import type { Event } from '@streamspace/protocol';
import { KEPT_EVENTS } from '../kept.ts';
import type { EventStore } from '../store.ts';
import type { RedisConnection } from './connection.ts';
import { type Entry, eventOf } from './entries.ts';
import { RETENTION, KEYS } from './keys.ts';
import { SCRIPTS } from './scripts.ts';
import type { Tail } from './tail.ts';

export function redisEvents(connection: RedisConnection, tail: Tail): EventStore {
  return {
    async append(event) {
      const { agent, type } = event;
      // plain updates have a separate part, so that they don't displace elections
      const part = type === 'agent.updated' ? 'updates' : 'others';
      const timeline = agent !== null && type.startsWith('agent.') ? KEYS.timeline(agent, part) : KEYS.events;
      const { all, [part]: its } = KEPT_EVENTS;
      const kept = [all.count, all.bytes, its.count, its.bytes, RETENTION.timelineMs];
      const id = Number(
        await connection.run(
          SCRIPTS.appendEvent,
          [KEYS.events, KEYS.eventId, timeline],
          [JSON.stringify(event), ...kept],
        ),
      );
      tail.appended(id);
      return { ...event, id };
    },

    async since(id, { agent, limit } = {}) {
      const first = `${id + 1}-0`;
      if (agent !== undefined) {
        const keys = [KEYS.timeline(agent, 'updates'), KEYS.timeline(agent, 'others')];
        const parts = (await connection.run(SCRIPTS.timeline, keys, [first])) as [Entry[], Entry[]];
        const found = parts
          .flat()
          .map(eventOf)
          .toSorted((a, b) => a.id - b.id);
        return newest(found, limit);
      }
      if (limit === undefined)
        return (await connection.do((client) => client.xrange(KEYS.events, first, '+'))).map(eventOf);
      if (limit < 1) return [];
      const entries = await connection.do((client) => client.xrevrange(KEYS.events, '+', first, 'COUNT', limit));
      return entries.map(eventOf).toReversed();
    },

    subscribe: (onEvent, signal) => tail.subscribe(onEvent, signal),
  };
}

const newest = (events: Event[], limit: number | undefined): Event[] =>
  limit === undefined ? events : events.slice(Math.max(0, events.length - limit));
