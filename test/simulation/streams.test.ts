import { createHash, type Hash } from 'node:crypto';
import { LIMITS, StreamMux, type MuxStream } from '@streamspace/protocol';
import { everySeed, Random, SimNetwork, SimProcess, type SimSocket, VirtualClock } from '@streamspace/testkit';
import { describe, expect, it } from 'vitest';

/** A screen of the simulation: one end writes random bytes, the other consumes them at its own pace, or not at all. */
interface Screen {
  frozen: boolean;
  stream: MuxStream;
  wrote: Hash;
  read: Hash;
  bytesWritten: number;
  bytesRead: number;
  unconsumed: number;
  full: boolean;
  ended: boolean;
  closed: Error | undefined | null;
}

function mux(socket: SimSocket): StreamMux {
  const sink = {
    send: (frame: Buffer, flushed?: () => void) => socket.send(frame, {}, flushed ? () => flushed() : undefined),
    get buffered() {
      return socket.bufferedAmount;
    },
  };
  const made = new StreamMux(sink, (id, error) => {
    throw new Error(`stream ${id}: ${error.message}`);
  });
  socket.on('message', (data: Buffer) => made.receive(data));
  socket.on('close', () => made.destroy(new Error('link lost')));
  return made;
}

async function simulate(seed: number): Promise<void> {
  const random = new Random(seed);
  const clock = new VirtualClock();
  const network = new SimNetwork(clock, random, 20);
  const agent = new SimProcess('agent', clock);
  const hub = new SimProcess('hub', clock);
  const [near, far] = network.connect(agent, hub);
  const sending = mux(near);
  const receiving = mux(far);
  const size = random.pick([1, 100, 5_000, 60_000, 300_000]);

  const screens: Screen[] = Array.from({ length: 1 + random.below(5) }, (_, index) => {
    const screen: Screen = {
      frozen: index > 0 && random.chance(0.3),
      stream: undefined!,
      wrote: createHash('sha256'),
      read: createHash('sha256'),
      bytesWritten: 0,
      bytesRead: 0,
      unconsumed: 0,
      full: false,
      ended: false,
      closed: null,
    };
    screen.stream = sending.open(index + 1, LIMITS.initialCredit, {
      onData: () => {},
      onEnd: () => {},
      onDrain: () => (screen.full = false),
      onClose: () => {},
    });
    receiving.open(index + 1, LIMITS.initialCredit, {
      onData(data, consumed) {
        screen.read.update(data);
        screen.bytesRead += data.length;
        screen.unconsumed += data.length;
        if (screen.unconsumed > LIMITS.maxCredit) throw new Error(`${screen.unconsumed} bytes wait for one viewer`);
        if (screen.frozen) return;
        clock.setTimeout(() => {
          screen.unconsumed -= data.length;
          consumed();
        }, random.next() * 10);
      },
      onEnd: () => (screen.ended = true),
      onDrain: () => {},
      onClose: (error) => (screen.closed = error),
    });
    return screen;
  });

  for (let step = 0; step < 40; step++) {
    const screen = random.pick(screens);
    for (let burst = random.below(4); burst > 0 && !screen.full; burst--) {
      const data = Buffer.alloc(1 + random.below(size), random.below(256));
      screen.wrote.update(data);
      screen.bytesWritten += data.length;
      screen.full = !screen.stream.write(data);
    }
    await clock.advance(random.next() * 20);
  }
  for (const screen of screens) if (!screen.frozen) screen.stream.end();
  await clock.advanceUntil(
    () => screens.every((screen) => screen.frozen || screen.ended),
    120_000,
    'every viewer that reads has read everything',
  );
  for (const screen of screens) {
    if (!screen.frozen) expect(screen.read.digest('hex')).toBe(screen.wrote.digest('hex'));
    else expect(screen.bytesRead).toBe(Math.min(screen.bytesWritten, LIMITS.initialCredit));
  }
  near.terminate();
  await clock.advance(100);
  expect([sending.size, receiving.size, sending.queued]).toEqual([0, 0, 0]);
  expect(screens.every((screen) => screen.closed !== null)).toBe(true);
}

describe('streams of one link, simulated', () => {
  it('I5 [STR3] [STR4] whatever is frozen or slow, the others get every byte in order and nobody holds more than the credit', async () => {
    await everySeed(2_000, simulate);
  });
});
