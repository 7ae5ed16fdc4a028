/**
 * The greatest term that anybody may hold: the last one that a double counts up to exactly, less one, so that its successor is still told
 * apart from it. Whatever fences by terms (`Elector.raiseTerm`) has to accept up to here.
 */
export const MAX_TERM = Number.MAX_SAFE_INTEGER - 1;

/** What is left above every term that is believed: an edited lease can't use the terms up, however often the leader changes afterwards. */
const ROOM = 2 ** 32;

/**
 * The term that a lease states. What is none, or so near to {@link MAX_TERM} that nobody counted up to it, is garbage and counts as 0: the next leader
 * goes on from what it knows otherwise, and whatever fences by terms tells it a greater one.
 */
export function termOf(stated: unknown): number {
  const term = typeof stated === 'string' && stated.trim() !== '' ? Number(stated) : stated;
  return typeof term === 'number' && Number.isSafeInteger(term) && term >= 0 && term < MAX_TERM - ROOM ? term : 0;
}

/** The term after `term`. {@link RangeError} where there is none. */
export function successor(term: number): number {
  if (term >= MAX_TERM) throw new RangeError(`term ${term} has no successor: terms end at ${MAX_TERM}`);
  return term + 1;
}
