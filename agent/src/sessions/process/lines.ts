/** Splits a byte stream into lines of at most `limit` characters; returns false for a longer line. */
export function lineReader(limit: number, onLine: (line: string) => void): (chunk: string) => boolean {
  let rest = '';
  return (chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line.length > limit) return false;
      if (line !== '') onLine(line);
    }
    return rest.length <= limit;
  };
}
