/**
 * The greatest valid term: the last integer that a double represents exactly, less one, so that its successor is still distinct
 * from it. A fence by terms (`Elector.raiseTerm`) has to accept terms up to here.
 */
export const MAX_TERM = Number.MAX_SAFE_INTEGER - 1;

/** Reserve above every accepted term: an edited lease can't exhaust the terms, whatever the number of later leaders. */
const ROOM = 2 ** 32;

/**
 * The term in a lease. An invalid value, or one so near to {@link MAX_TERM} that no elector can have counted up to it, is garbage and counts as 0: the next leader
 * continues from its other knowledge, and a fence by terms reports a greater one.
 */
export function termOf(stated: unknown): number {
  const term = typeof stated === 'string' && stated.trim() !== '' ? Number(stated) : stated;
  return typeof term === 'number' && Number.isSafeInteger(term) && term >= 0 && term < MAX_TERM - ROOM ? term : 0;
}

/** The term after `term`. {@link RangeError} if there is none. */
export function successor(term: number): number {
  if (term >= MAX_TERM) throw new RangeError(`term ${term} has no successor: terms end at ${MAX_TERM}`);
  return term + 1;
}
