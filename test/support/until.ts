/** Polls `look` until it returns a result (not undefined, null, false or an empty list); rejects after `limitMs`. */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  limitMs = 20_000,
): Promise<NonNullable<Exclude<T, false>>> {
  const end = Date.now() + limitMs;
  let last: unknown;
  for (;;) {
    try {
      const found = await look();
      const nothing = Array.isArray(found) && found.length === 0;
      if (found !== undefined && found !== null && found !== false && !nothing)
        return found as NonNullable<Exclude<T, false>>;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end)
      throw new Error(`${what}: not within ${limitMs} ms${last instanceof Error ? ` (${last.message})` : ''}`, {
        cause: last,
      });
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
