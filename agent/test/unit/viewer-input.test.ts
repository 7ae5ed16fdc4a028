import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ViewerInput } from '../../src/tunnel/viewer-input.ts';

const bytes = (...parts: (string | number[])[]) =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))));
const zeros = (count: number) => Array<number>(count).fill(0);
const hello = bytes('RFB 003.008\n', [1], [1]);

/** What a viewer's program says by itself. */
const silent: Record<string, Buffer> = {
  'pixel format': bytes([0], zeros(19)),
  encodings: bytes([2, 0, 0, 2], [4, 4, 4, 4, 5, 5, 5, 5]),
  'update request': bytes([3, 1], zeros(8)),
  'cut text': bytes([6, 0, 0, 0, 0, 0, 0, 5], [4, 4, 4, 5, 5]),
  'extended clipboard': bytes([6, 0, 0, 0, 0xff, 0xff, 0xff, 0xfc], [4, 5, 4, 5]),
  'continuous updates': bytes([150, 1], zeros(8)),
  fence: bytes([248, 0, 0, 0, 0, 0, 0, 1, 3], [4, 5, 4]),
  xvp: bytes([250, 0, 1, 2]),
  'desktop size': bytes([251, 0, 4, 0, 3, 0, 1, 0], zeros(16)),
  'audio on': bytes([255, 1, 0, 0]),
  'audio format': bytes([255, 1, 0, 2], zeros(6)),
};
const input: Record<string, Buffer> = {
  key: bytes([4, 1, 0, 0, 0, 0, 0, 0x61]),
  pointer: bytes([5, 0, 0, 4, 0, 5]),
  'extended key': bytes([255, 0, 0, 1], zeros(8)),
};

const piecesOf = (all: Buffer, cuts: readonly number[]): Buffer[] => {
  const places = [0, ...cuts.map((cut) => cut % (all.length + 1)).toSorted((a, b) => a - b), all.length];
  return places.slice(1).map((end, index) => all.subarray(places[index], end));
};

describe('input of a viewer', () => {
  it('is keys and the pointer, and nothing that programs say by themselves, wherever the pieces are cut', () => {
    const message = fc.oneof(
      ...Object.values(silent).map((data) => fc.constant({ data, counts: false })),
      ...Object.values(input).map((data) => fc.constant({ data, counts: true })),
    );
    fc.assert(
      fc.property(fc.array(message, { maxLength: 30 }), fc.array(fc.nat(), { maxLength: 20 }), (messages, cuts) => {
        const reader = new ViewerInput();
        const all = Buffer.concat([hello, ...messages.map(({ data }) => data)]);
        const seen = piecesOf(all, cuts).map((piece) => reader.sees(piece));
        expect(seen.includes(true)).toBe(messages.some(({ counts }) => counts));
        // it still is where it should be
        expect(reader.sees(silent['fence']!)).toBe(false);
        expect(reader.sees(input['key']!)).toBe(true);
      }),
    );
  });

  it('is found after a password', () => {
    const reader = new ViewerInput();
    expect(reader.sees(bytes('RFB 003.007\n', [2], Array<number>(16).fill(4), [0]))).toBe(false);
    expect(reader.sees(silent['update request']!)).toBe(false);
    expect(reader.sees(input['pointer']!)).toBe(true);
  });

  it.each([
    ['another version', bytes('RFB 003.003\n')],
    ['no RFB', bytes('GET / HTTP/1')],
    ['encryption', bytes('RFB 003.008\n', [19])],
    ['an unknown message', Buffer.concat([hello, bytes([99])])],
    ['an unknown QEMU message', Buffer.concat([hello, bytes([255, 7])])],
  ])('is everything where the stream can’t be followed: %s', (_, begin) => {
    const reader = new ViewerInput();
    reader.sees(begin);
    expect(reader.sees(silent['update request']!)).toBe(true);
  });

  it('takes any bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 })), (chunks) => {
        const reader = new ViewerInput();
        reader.sees(hello);
        for (const chunk of chunks) reader.sees(Buffer.from(chunk));
      }),
    );
  });
});
