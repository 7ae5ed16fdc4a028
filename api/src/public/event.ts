import { Capacity, type Event } from '@streamspace/protocol';
import { Check } from 'typebox/value';
import { offeredCapacity } from './agent.ts';

/** The event as users see it. What is kept has the capacity as numbers: that is what replicas read, those of the version before too. */
export function publicEvent(event: Event): Event {
  const { capacity } = event.data;
  return Check(Capacity, capacity) ? { ...event, data: { ...event.data, capacity: offeredCapacity(capacity) } } : event;
}
