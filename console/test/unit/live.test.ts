import type { Event } from '@streamspace/protocol';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { followEvents } from '../../src/api/live.ts';

function streamOf(pieces: string[]): ReadableStream<Uint8Array> {
  const waiting = pieces.map((piece) => new TextEncoder().encode(piece));
  return new ReadableStream({
    pull(controller) {
      const next = waiting.shift();
      if (next === undefined) controller.close();
      else controller.enqueue(next);
    },
  });
}

/** What a follower is told of streams that come one after the other, each in pieces; the last id that each was asked from, and why each ended. */
async function follow(...streams: string[][]): Promise<{ told: unknown[]; asked: string[]; ends: string[] }> {
  const told: unknown[] = [];
  const asked: string[] = [];
  const ends: string[] = [];
  const stop = new AbortController();
  const http = {
    request: () => Promise.reject(new Error('nobody asks')),
    open: async (_path: string, headers: Record<string, string>) => {
      asked.push(headers['last-event-id'] ?? '');
      return new Response(streamOf(streams.shift()!));
    },
  };
  const follower = {
    onOpen: () => {},
    onEvent: (event: Event) => void told.push(event.data),
    onReset: () => void told.push('reset'),
    onDown: (error: unknown) => {
      ends.push(((error as Error).cause as Error).message);
      if (streams.length === 0) stop.abort();
    },
  };
  await followEvents(http, follower, stop.signal);
  return { told, asked, ends };
}

const event = (data: unknown) => JSON.stringify({ type: 'session.updated', data });

describe('event stream', () => {
  // connects again at once
  beforeEach(() => void vi.spyOn(Math, 'random').mockReturnValue(0));
  afterEach(() => void vi.restoreAllMocks());

  it('tells events, skips comments and what is no event, and gives nothing without data', async () => {
    const text = `: alive\n\nid: 7\nevent: session.updated\ndata: ${event({ a: 1 })}\n\nevent: x\n\nretry: x\ndata: {\n\nevent: reset\ndata: {}\n\n`;
    expect((await follow([text])).told).toEqual([{ a: 1 }, 'reset']);
  });

  it('joins data lines', async () => {
    expect((await follow(['data: {"type":"x",\ndata:"data":{"a":2}}\n\n'])).told).toEqual([{ a: 2 }]);
  });

  it('resumes after the last id, also where a message has none; after a reset from what is new', async () => {
    const first = `id: 3\ndata: ${event({})}\n\ndata: ${event({})}\n\n`;
    expect((await follow([first], ['event: reset\ndata: {}\n\n'], [])).asked).toEqual(['', '3', '']);
  });

  it('takes CR LF, CR and LF alike, and a byte order mark', async () => {
    const pieces = [
      `\u{feff}data: ${event({ n: 1 })}\r\n\r\n`,
      `data: ${event({ n: 2 })}\r\r\n`,
      `data: ${event({ n: 3 })}\n\n`,
    ];
    expect((await follow(pieces)).told).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
  });

  it('gives the same messages however the network cuts them', async () => {
    const line = fc.constantFrom(
      `data: ${event({ text: 'ü €' })}`,
      'data',
      'id: 12',
      'event: reset',
      ': beat',
      '',
      '',
      'nonsense',
    );
    const eol = fc.constantFrom('\n', '\r\n');
    const text = fc.array(fc.tuple(line, eol).map(([a, b]) => a + b)).map((lines) => `${lines.join('')}\n\n`);
    await fc.assert(
      fc.asyncProperty(text, fc.array(fc.nat(200), { maxLength: 12 }), async (stream, cuts) => {
        const at = [...new Set(cuts.map((cut) => cut % (stream.length + 1)))].sort((a, b) => a - b);
        const pieces = [0, ...at].map((from, index) => stream.slice(from, at[index] ?? stream.length));
        expect(await follow(pieces)).toEqual(await follow([stream]));
      }),
    );
  });

  it.each([
    ['line', 'x'.repeat(100_000)],
    ['event', `data: ${'x'.repeat(100_000)}\n`],
  ])('gives up on a longer %s than any event of the hub', async (_, piece) => {
    const { told, ends } = await follow([...Array<string>(50).fill(piece), `\n\ndata: ${event({})}\n\n`]);
    expect(ends).toEqual([expect.stringContaining('max buffer size')]);
    expect(told).toEqual([]);
  });
});
