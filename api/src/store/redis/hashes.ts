/** Records are hashes whose values are JSON: scripts compare and set single fields, and never have to re-encode what they don't know. */

/** A record's fields for a script: a JSON list of name, value, name, value, …; undefined ones are left out. */
export const fields = (record: object): string => JSON.stringify(pairs(record));

/** Name, value, name, value, …; values as JSON. */
export const pairs = (record: object): string[] =>
  Object.entries(record).flatMap(([name, value]) => (value === undefined ? [] : [name, JSON.stringify(value)]));

/** The record of a hash as scripts return it; undefined for one that isn't there. */
export function record<T>(reply: unknown): T | undefined {
  if (!Array.isArray(reply) || reply.length === 0) return undefined;
  const found: Record<string, unknown> = {};
  for (let at = 0; at + 1 < reply.length; at += 2) found[reply[at] as string] = JSON.parse(reply[at + 1] as string);
  return found as T;
}

export const records = <T>(reply: unknown): T[] => (reply as unknown[]).map((each) => record<T>(each)!);
