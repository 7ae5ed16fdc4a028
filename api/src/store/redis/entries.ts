import type { Event } from '@streamspace/protocol';

/** An entry of a stream of events: its id (`number-0`), and the names and values of its fields, beginning with the event's JSON. */
export type Entry = [id: string, fields: string[]];

export const idOf = ([id]: Entry): number => Number(id.slice(0, id.indexOf('-')));

export function eventOf(entry: Entry): Event {
  return { ...(JSON.parse(entry[1][1]!) as Omit<Event, 'id'>), id: idOf(entry) };
}
