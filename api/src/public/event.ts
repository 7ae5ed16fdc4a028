import { Capacity, type Event } from '@streamspace/protocol';
import { Check } from 'typebox/value';
import { offeredCapacity } from './agent.ts';

/** The event as users see it. Stored events have the capacity as numbers, because replicas, also of the previous version, read that. */
export function publicEvent(event: Event): Event {
  const { capacity } = event.data;
  return Check(Capacity, capacity) ? { ...event, data: { ...event.data, capacity: offeredCapacity(capacity) } } : event;
}
