import { describe, expect, it } from 'vitest';
import { linesOf } from '../../src/lines.ts';

describe('lines', () => {
  it('are put together from any pieces', async () => {
    async function* pieces() {
      for (const piece of ['{"a"', ':1}\n{"b":', '2}\n\n', 'ä'.slice(0, 1), '\n']) yield Buffer.from(piece);
    }
    const lines: string[] = [];
    for await (const line of linesOf(pieces(), 100)) lines.push(line);
    expect(lines).toEqual(['{"a":1}', '{"b":2}', '', 'ä']);
  });
  it('have a bound', async () => {
    async function* endless() {
      for (;;) yield Buffer.alloc(60, 'x');
    }
    await expect(linesOf(endless(), 100).next()).rejects.toThrow('more than 100 bytes');
  });
});
