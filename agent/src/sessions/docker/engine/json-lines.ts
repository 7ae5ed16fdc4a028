import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';

/** Of one value, characters. */
const LINE_LIMIT = 1024 * 1024;

/** The JSON values of a stream, one a line. Ends with the stream, throws what breaks it, a line that is no JSON, and one that is too long. */
export async function* jsonLines<T>(stream: Readable): AsyncGenerator<T> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of stream) {
    const lines = (rest + decoder.write(chunk as Buffer)).split('\n');
    rest = lines.pop()!;
    for (const line of lines) if (line.trim() !== '') yield JSON.parse(line) as T;
    if (rest.length > LINE_LIMIT) throw new Error(`a line of more than ${LINE_LIMIT} characters`);
  }
  if (rest.trim() !== '') yield JSON.parse(rest) as T;
}
