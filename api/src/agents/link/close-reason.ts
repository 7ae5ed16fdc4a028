/** A WebSocket close reason holds at most 123 bytes of UTF-8: the text, cut at a character if it is longer. */
export function closeReason(text: string): string {
  if (Buffer.byteLength(text) <= 123) return text;
  const cut = Buffer.from(text).subarray(0, 120);
  // a character cut in two decodes to U+FFFD at the end
  return `${cut.toString('utf8').replace(/\uFFFD+$/u, '')}…`;
}
