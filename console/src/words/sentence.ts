/** With a capital: the hub's own words begin in lower case, as they often follow a colon. */
export function sentence(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** A failure, as a sentence. */
export function wordsOf(error: unknown): string {
  return sentence(error instanceof Error ? error.message : String(error));
}
