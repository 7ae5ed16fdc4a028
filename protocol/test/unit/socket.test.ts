import { VirtualClock } from '@streamspace/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { closeReason, closeSocket } from '@streamspace/protocol/link/socket';

test('close reasons fit into a close frame, whatever the text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (text) => {
      const reason = closeReason(text);
      expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(123);
      expect(reason).not.toContain('\uFFFD');
      if (Buffer.byteLength(text) <= 123) expect(reason).toBe(text);
    }),
  );
});

test('a socket that does not answer the close is cut in time; one that does leaves no timer', async () => {
  const clock = new VirtualClock();
  const make = () => {
    let onClose: () => void = () => undefined;
    const socket = {
      readyState: 1,
      CLOSED: 3,
      said: [] as unknown[],
      close: (code: number, reason: string) => void socket.said.push(code, reason),
      terminate: () => {
        socket.said.push('cut');
        onClose();
      },
      once: (_event: 'close', listener: () => void) => (onClose = listener),
      answer: () => onClose(),
    };
    return socket;
  };
  const closing = { code: 4432, reason: 'another leads', withinMs: 1_000 };
  const [mute, polite] = [make(), make()];
  const gone = [mute, polite].map((socket) => closeSocket(socket, clock, closing));
  polite.answer();
  await gone[1];
  await clock.advance(999);
  expect(mute.said).toEqual([4432, 'another leads']);
  await clock.advance(1);
  await gone[0];
  expect([mute.said.at(-1), polite.said, clock.pending]).toEqual(['cut', [4432, 'another leads'], 0]);
});
