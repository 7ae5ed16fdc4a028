import { VirtualClock } from '@streamspace/testkit';
import { expect, test } from 'vitest';
import { Line } from '../../src/viewer/line.ts';

function scene() {
  const clock = new VirtualClock();
  /** What a sleeping computer adds between two timers. */
  const slept = { ms: 0 };
  const sent: string[] = [];
  const seen: string[] = [];
  const stop = new AbortController();
  const line = new Line({
    clock: {
      now: () => clock.now() + slept.ms,
      monotonic: () => clock.monotonic() + slept.ms,
      setTimeout: (work, ms) => clock.setTimeout(work, ms),
    },
    send: (text) => sent.push(text),
    onSilence: (silent) => seen.push(silent ? 'silent' : 'there'),
    onDead: () => {
      seen.push('dead');
      stop.abort();
    },
    onRoundTrip: (ms) => seen.push(`${ms} ms`),
  });
  void line.watch(stop.signal);
  return { clock, line, sent, seen, slept };
}

test('V1 a line that answers is never silent, and its round trip is told', async () => {
  const { clock, line, sent, seen } = scene();
  for (let round = 0; round < 30; round++) {
    const ping = sent.at(-1)!;
    await clock.advance(80);
    line.text(ping.replace('ping', 'pong'));
    await clock.advance(1_920);
  }
  expect(new Set(seen)).toEqual(new Set(['80 ms']));
  expect(sent.length).toBeLessThanOrEqual(31);
});

test('V1 a line that swallows everything is silent first, then dead, within ten seconds', async () => {
  const { clock, line, seen } = scene();
  line.text('pong 1');
  await clock.advance(9_900);
  expect(seen.slice(1)).toEqual(['silent', 'dead']);
});

test('V1 any byte shows that the line is there: a slow one that answers late is not dead', async () => {
  const { clock, line, seen } = scene();
  for (let round = 0; round < 20; round++) {
    await clock.advance(3_000);
    line.heard();
  }
  expect(seen).not.toContain('dead');
  expect(seen.at(-1)).toBe('there');
});

test('V1 keys count as arrived once a ping after them is answered', async () => {
  const { clock, line, sent } = scene();
  line.text('pong 1');
  for (let key = 0; key < 5; key++) line.typed();
  expect(line.unconfirmed).toBe(5);
  await clock.advance(500);
  line.typed();
  line.text(sent.at(-1)!.replace('ping', 'pong'));
  expect(line.unconfirmed).toBe(1);
});

test('V1 a page that slept asks first', async () => {
  const { clock, line, seen, slept } = scene();
  line.text('pong 1');
  slept.ms = 3_600_000;
  await clock.advance(1_000);
  expect(seen.slice(1)).toEqual([]);
});
