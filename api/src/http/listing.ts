/** Bytes of a list in an answer. */
const MOST = 8 * 1024 * 1024;
/** So many items are within it, whatever they are: the store bounds each of them. */
const FEW = 32;

/**
 * The items of an answer, as many from the first on as fit into `most` bytes of JSON (one at least); `left_off` says how many did not.
 */
export function listing<T>(items: readonly T[], most = MOST): { items: readonly T[]; left_off?: number } {
  if (items.length <= FEW && most === MOST) return { items };
  let bytes = 0;
  let count = 0;
  for (const item of items) {
    bytes += Buffer.byteLength(JSON.stringify(item)) + 1;
    if (bytes > most && count > 0) break;
    count += 1;
  }
  return count === items.length ? { items } : { items: items.slice(0, count), left_off: items.length - count };
}
