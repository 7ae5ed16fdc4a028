const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until `look` returns a result; rejects after `limitMs`, with the last failure. */
export async function until<T>(what: string, look: () => Promise<T | undefined | false>, limitMs: number): Promise<T> {
  const end = performance.now() + limitMs;
  for (let last = ''; ;) {
    try {
      const found = await look();
      if (found !== undefined && found !== false) return found;
    } catch (error) {
      last = (error as Error).message;
    }
    if (performance.now() > end)
      throw new Error(`${what}: not within ${limitMs / 1000} s${last === '' ? '' : ` (${last})`}`);
    await pause(100);
  }
}
