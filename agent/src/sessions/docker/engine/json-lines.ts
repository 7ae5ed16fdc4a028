import type { Readable } from 'node:stream';
import { createInterface } from 'node:readline';

/** The JSON values of a stream, one a line or one after the other. Ends with the stream; a line that is no JSON throws. */
export async function* jsonLines<T>(stream: Readable): AsyncGenerator<T> {
  for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) {
    if (line.trim() !== '') yield JSON.parse(line) as T;
  }
}
