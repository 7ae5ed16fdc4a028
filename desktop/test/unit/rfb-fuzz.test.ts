import { once } from 'node:events';
import { createConnection } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClientMessages } from '../../src/rfb/client-messages.ts';
import { RfbError } from '../../src/rfb/error.ts';
import { type TestScreen, testScreen } from '../support/screen.ts';

const u8 = fc.nat(255);
const bytes = (...length: [number, number]) => fc.uint8Array({ minLength: length[0], maxLength: length[1] });
const message = fc.oneof(
  fc.tuple(fc.constant(0), bytes(19, 19)),
  fc.nat(40).chain((n) => fc.tuple(fc.constant(2), u8, fc.constant([0, n]), bytes(4 * n, 4 * n))),
  fc.tuple(fc.constant(3), bytes(9, 9)),
  fc.tuple(fc.constant(4), bytes(7, 7)),
  fc.tuple(fc.constant(5), bytes(5, 5)),
  fc.nat(300).chain((n) => fc.tuple(fc.constant(6), bytes(3, 3), fc.constant([0, 0, n >> 8, n & 255]), bytes(n, n))),
  fc.tuple(bytes(1, 60)),
);
const handshake = fc.constantFrom(
  'RFB 003.003\n\x01',
  'RFB 003.007\n\x01\x01',
  'RFB 003.008\n\x01\x01',
  'RFB 003.889\n\x01\x00',
  'RFB 004.000\n',
  '',
);
/** What a viewer may send: mostly sense. */
const conversation = fc
  .tuple(handshake, fc.array(message, { maxLength: 20 }))
  .map(([start, messages]) =>
    Buffer.concat([
      Buffer.from(start, 'latin1'),
      ...messages.flat().map((part) => Buffer.from(typeof part === 'number' ? [part] : part)),
    ]),
  );

describe('fuzz: what viewers send to the built-in desktop', () => {
  it('is read alike in whatever pieces it comes, and fails with nothing but an RfbError', () => {
    const read = (pieces: Iterable<Buffer>) => {
      const parser = new ClientMessages();
      const messages: unknown[] = [];
      try {
        for (const piece of pieces) for (const one of parser.read(piece)) messages.push(one);
        return { messages, error: undefined };
      } catch (error) {
        expect(error).toBeInstanceOf(RfbError);
        return { messages, error: (error as Error).message };
      }
    };
    fc.assert(
      fc.property(conversation, fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (whole, sizes) => {
        const pieces: Buffer[] = [];
        for (let at = 0, i = 0; at < whole.length; i++) {
          const size = sizes[i % sizes.length]!;
          pieces.push(whole.subarray(at, at + size));
          at += size;
        }
        expect(read(pieces)).toEqual(read([whole]));
      }),
      { numRuns: 3000 },
    );
  });

  describe('over a socket', () => {
    let screen: TestScreen;
    beforeAll(async () => void (screen = await testScreen(40, 30)));
    afterAll(() => screen.close());

    it('crashes nothing and leaves no viewer behind', async () => {
      await fc.assert(
        fc.asyncProperty(conversation, fc.boolean(), async (whole, rude) => {
          const socket = createConnection(screen.path);
          socket.on('error', () => {});
          socket.resume();
          await once(socket, 'connect');
          socket.write(whole);
          if (rude) socket.destroy();
          else socket.end();
          if (!socket.closed) await once(socket, 'close');
          await screen.viewers(0);
        }),
        { numRuns: 300 },
      );
      const client = await screen.view();
      expect(client.picture.pixels).toEqual(screen.frame.pixels);
      client.close();
    });
  });
});
