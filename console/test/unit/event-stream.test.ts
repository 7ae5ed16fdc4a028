import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventStreamParser, type StreamMessage } from '../../src/api/event-stream.ts';

const all = (...pieces: string[]): StreamMessage[] => {
  const parser = new EventStreamParser();
  return pieces.flatMap((piece) => parser.push(piece));
};

describe('event stream', () => {
  it('reads id, event and data', () => {
    expect(all('id: 7\nevent: session.updated\ndata: {"a":1}\n\n')).toEqual([
      { id: '7', event: 'session.updated', data: '{"a":1}' },
    ]);
  });

  it('joins data lines, skips comments, and gives nothing without data', () => {
    expect(
      all(': alive\n\ndata: a\ndata: b\n\nevent: x\n\ndata:c\n\n').map(({ event, data }) => [event, data]),
    ).toEqual([
      ['message', 'a\nb'],
      ['message', 'c'],
    ]);
  });

  it('keeps the last id for messages that have none', () => {
    expect(all('id: 3\ndata: a\n\ndata: b\n\n').map(({ id }) => id)).toEqual(['3', '3']);
  });

  it('takes CR LF, CR and LF alike, and a byte order mark', () => {
    expect(all('\u{feff}data: a\r\n\r\n', 'data: b\r\r\n', 'data: c\n\n').map(({ data }) => data)).toEqual([
      'a',
      'b',
      'c',
    ]);
  });

  it('gives the same messages however the network cuts them', () => {
    const line = fc.constantFrom(
      'data: hello',
      'data',
      'id: 12',
      'event: agent.updated',
      ': beat',
      '',
      '',
      'nonsense',
      'data: ü €',
    );
    const eol = fc.constantFrom('\n', '\r\n');
    const text = fc.array(fc.tuple(line, eol).map(([a, b]) => a + b)).map((lines) => `${lines.join('')}\n\n`);
    fc.assert(
      fc.property(text, fc.array(fc.nat(200), { maxLength: 12 }), (stream, cuts) => {
        const at = [...new Set(cuts.map((cut) => cut % (stream.length + 1)))].sort((a, b) => a - b);
        const pieces = [0, ...at].map((from, index) => stream.slice(from, at[index] ?? stream.length));
        expect(all(...pieces)).toEqual(all(stream));
      }),
    );
  });

  it('gives up on an event that never ends', () => {
    const parser = new EventStreamParser();
    expect(() => {
      for (let n = 0; n < 100; n += 1) parser.push('x'.repeat(100_000));
    }).toThrow(/too large/);
    const lines = new EventStreamParser();
    expect(() => {
      for (let n = 0; n < 100; n += 1) lines.push(`data: ${'x'.repeat(100_000)}\n`);
    }).toThrow(/too large/);
  });
});
