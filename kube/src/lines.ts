/** Lines of a stream, without their newline. A line longer than `limit` bytes throws: nothing grows without bound. */
export async function* linesOf(chunks: AsyncIterable<Buffer>, limit: number): AsyncGenerator<string> {
  let parts: Buffer[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, start)) {
      parts.push(chunk.subarray(start, at));
      yield Buffer.concat(parts).toString('utf8');
      parts = [];
      size = 0;
      start = at + 1;
    }
    if (start < chunk.length) {
      parts.push(chunk.subarray(start));
      size += chunk.length - start;
      if (size > limit) throw new Error(`a line of more than ${limit} bytes`);
    }
  }
}
