/** At most `max` characters of a text from outside, and a sign that there was more: no answer and no log line grows with what a stranger sends. */
export function shortened(text: string, max = 200): string {
  return text.length <= max ? text : `${text.slice(0, max - 1)}…`;
}
