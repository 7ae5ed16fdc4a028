import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  dataFrame,
  decodeFrame,
  FRAME_HEADER,
  type FrameSink,
  LIMITS,
  StreamMux,
  type StreamSpaceError,
} from '@streamspace/protocol';

/** A socket that flushes only when told to, into the other end's mux. */
class Pipe implements FrameSink {
  readonly sent: { frame: Buffer; flushed: (() => void) | undefined }[] = [];
  readonly order: string[] = [];
  peer: StreamMux | undefined;
  buffered = 0;

  send(frame: Buffer, flushed?: () => void): void {
    this.sent.push({ frame, flushed });
    this.buffered += frame.length;
    const decoded = decodeFrame(frame);
    this.order.push(`${decoded.kind}:${decoded.streamId}`);
  }

  /** Moves one frame over. */
  step(): boolean {
    const next = this.sent.shift();
    if (next === undefined) return false;
    this.buffered -= next.frame.length;
    next.flushed?.();
    this.peer?.receive(next.frame);
    return true;
  }
}

interface Seen {
  data: Buffer[];
  ended: boolean;
  closed: { error?: Error | undefined } | undefined;
  drains: number;
  consume: (() => void)[];
}

function pair() {
  const there = new Pipe();
  const back = new Pipe();
  const violations: StreamSpaceError[] = [];
  const near = new StreamMux(there, (_, error) => violations.push(error));
  const far = new StreamMux(back, (_, error) => violations.push(error));
  there.peer = far;
  back.peer = near;
  const run = () => {
    while ([there.step(), back.step()].some(Boolean));
  };
  /** Opens both ends; `hold`: the receiver keeps what it gets instead of consuming it. */
  const open = (id: number, hold = false) => {
    const handler = () => {
      const seen: Seen = { data: [], ended: false, closed: undefined, drains: 0, consume: [] };
      return {
        seen,
        handler: {
          onData(data: Buffer, consumed: () => void) {
            seen.data.push(Buffer.from(data));
            if (hold) seen.consume.push(consumed);
            else consumed();
          },
          onEnd: () => (seen.ended = true),
          onDrain: () => seen.drains++,
          onClose: (error?: Error) => (seen.closed = { error }),
        },
      };
    };
    const a = handler();
    const b = handler();
    return {
      near: near.open(id, LIMITS.initialCredit, a.handler),
      far: far.open(id, LIMITS.initialCredit, b.handler),
      nearSeen: a.seen,
      farSeen: b.seen,
    };
  };
  return { there, back, near, far, run, open, violations };
}

describe('StreamMux', () => {
  it('[STR3] delivers every byte in order, whatever sizes are written', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 200_000 })), { maxLength: 30 }),
        (writes) => {
          const { run, open } = pair();
          const streams = new Map([1, 2, 3].map((id) => [id, { ...open(id), sent: [] as Buffer[] }]));
          let n = 0;
          for (const [id, size] of writes) {
            const data = Buffer.alloc(size, ++n % 251);
            streams.get(id)!.near.write(data);
            streams.get(id)!.sent.push(data);
            if (n % 3 === 0) run();
          }
          for (const { near } of streams.values()) near.end();
          run();
          for (const { sent, farSeen } of streams.values()) {
            expect(Buffer.concat(farSeen.data).equals(Buffer.concat(sent))).toBe(true);
            expect(farSeen.ended).toBe(true);
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  it('[STR4] a receiver that consumes nothing gets no more than the credit it gave', () => {
    const { run, open, violations } = pair();
    const { near, farSeen } = open(1, true);
    let accepted = 0;
    while (near.write(Buffer.alloc(10_000))) accepted += 10_000;
    run();
    for (let i = 0; i < 100; i++) {
      near.write(Buffer.alloc(10_000));
      run();
    }
    const received = farSeen.data.reduce((sum, data) => sum + data.length, 0);
    expect(received).toBe(LIMITS.initialCredit);
    expect(violations).toEqual([]);
    expect(accepted).toBeLessThanOrEqual(LIMITS.initialCredit + 64 * 1024);
  });

  it('[STR4] consuming lets the stream go on, and the window grows up to its bound only', () => {
    const { run, open } = pair();
    const { near, farSeen } = open(1);
    for (let i = 0; i < 1000; i++) {
      near.write(Buffer.alloc(10_000));
      run();
    }
    expect(farSeen.data.reduce((sum, data) => sum + data.length, 0)).toBe(10_000_000);

    const frozen = pair();
    const held = frozen.open(2, true);
    let outstanding = 0;
    let most = 0;
    for (let i = 0; i < 300; i++) {
      held.near.write(Buffer.alloc(400_000));
      frozen.run();
      outstanding = held.farSeen.data.reduce((sum, data) => sum + data.length, 0);
      most = Math.max(most, outstanding);
      if (i < 200) {
        // consumes everything for a while: the window grows; then freezes
        for (const consumed of held.farSeen.consume.splice(0)) consumed();
        held.farSeen.data.length = 0;
      }
    }
    expect(outstanding).toBeLessThanOrEqual(LIMITS.maxCredit);
    expect(outstanding).toBeGreaterThan(LIMITS.initialCredit);
  });

  it('[STR4] data beyond the credit ends that stream alone', () => {
    const { far, open, violations } = pair();
    const bad = open(1, true);
    const good = open(2);
    for (let sent = 0; sent <= LIMITS.initialCredit; sent += 32_768) far.receive(dataFrame(1, Buffer.alloc(32_768)));
    expect(violations.map((error) => error.code)).toEqual(['credit_exceeded']);
    expect(bad.farSeen.closed).toBeDefined();
    far.receive(dataFrame(2, Buffer.from('still here')));
    expect(good.farSeen.data.toString()).toBe('still here');
  });

  it('[STR6] streams take turns, one small frame each', () => {
    const { there, run, open } = pair();
    const [first, ...others] = [1, 2, 3, 4].map((id) => open(id));
    there.buffered = 1e9; // the socket is full: one more frame goes in, the others wait in their streams' queues
    first!.near.write(Buffer.alloc(1000));
    for (const { near } of others) near.write(Buffer.alloc(60_000));
    const [blocker] = there.sent.splice(0);
    there.buffered = 0;
    blocker!.flushed!();
    run();
    const data = there.order.filter((frame) => frame.startsWith('data')).slice(1);
    expect(
      data
        .slice(0, 9)
        .map((frame) => frame.slice(-1))
        .join(''),
    ).toBe('234234234');
  });

  it('[STR6] data stays out of a full socket, so control messages pass it', () => {
    const { there, near, open } = pair();
    for (let id = 1; id <= 20; id++) {
      const { near: stream } = open(id);
      stream.write(Buffer.alloc(60_000));
    }
    expect(there.buffered).toBeLessThanOrEqual(128 * 1024 + 2 * (64 * 1024 + FRAME_HEADER));
    expect(near.queued).toBeGreaterThan(0);
  });

  it('tells a writer to stop, and when to go on', () => {
    const { run, open } = pair();
    const { near, nearSeen } = open(1);
    let writes = 0;
    while (near.write(Buffer.alloc(30_000))) writes++;
    expect(writes).toBeGreaterThan(2);
    expect(nearSeen.drains).toBe(0);
    run();
    expect(nearSeen.drains).toBe(1);
  });

  it('[STR7] a stream is over when both ends ended; frames of a stream that is gone are ignored', () => {
    const { near, far, run, open } = pair();
    const { near: a, far: b, nearSeen, farSeen } = open(1);
    a.write(Buffer.from('last words'));
    a.end();
    run();
    expect(farSeen.ended).toBe(true);
    expect(farSeen.closed).toBeUndefined();
    b.end();
    run();
    expect(nearSeen.closed).toEqual({ error: undefined });
    expect(farSeen.closed).toEqual({ error: undefined });
    expect([near.size, far.size]).toEqual([0, 0]);
    expect(() => far.receive(dataFrame(1, Buffer.from('late')))).not.toThrow();
  });

  it('[STR7] a reset drops what is queued and tells the owner once', () => {
    const { near, open } = pair();
    const { near: stream, nearSeen } = open(1);
    for (let i = 0; i < 10; i++) stream.write(Buffer.alloc(100_000));
    stream.reset();
    stream.reset();
    expect(near.queued).toBe(0);
    expect(near.size).toBe(0);
    expect(nearSeen.closed?.error).toBeDefined();
  });

  it('[STR8] all streams end with their link', () => {
    const { near, open } = pair();
    const seen = [1, 2, 3].map((id) => open(id).nearSeen);
    near.destroy(new Error('link lost'));
    expect(seen.map((s) => s.closed?.error?.message)).toEqual(['link lost', 'link lost', 'link lost']);
    expect(near.size).toBe(0);
  });

  it('fuzz: no binary frame crashes it, and none opens a stream', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 50 }), (frames) => {
        const { far, open } = pair();
        open(1);
        for (const bytes of frames) {
          try {
            far.receive(Buffer.from(bytes));
          } catch (error) {
            expect((error as StreamSpaceError).code).toMatch(/malformed_frame|message_too_large/);
          }
        }
        expect(far.size).toBeLessThanOrEqual(1);
      }),
    );
  });
});
