/** Records are hashes whose values are JSON: scripts compare and set single fields, and never re-encode unknown fields. */

/** A record's fields for a script: a JSON list of name, value, name, value, …; undefined ones are left out. */
export const fields = (record: object): string => JSON.stringify(pairs(record));

/** Name, value, name, value, …; values as JSON. */
export const pairs = (record: object): string[] =>
  Object.entries(record).flatMap(([name, value]) => (value === undefined ? [] : [name, JSON.stringify(value)]));

/** The record that a script returned; undefined if there is none. */
export const record = <T>(reply: unknown): T | undefined =>
  typeof reply === 'string' ? (JSON.parse(reply) as T) : undefined;

export const records = <T>(reply: unknown): T[] => JSON.parse(reply as string) as T[];
