/** Milliseconds since 1970 as RFC 3339 in UTC, e.g. `2026-01-31T12:00:00.000Z`. */
export function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** The reverse of {@link iso}: milliseconds since 1970; NaN if the text is no date. */
export function parseIso(text: string): number {
  return Date.parse(text);
}

/** Milliseconds since 1970 as a `Date`, for libraries that ask for one. */
export function dateAt(ms: number): Date {
  return new Date(ms);
}
