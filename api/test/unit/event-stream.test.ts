import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Event } from '@streamspace/protocol';
import { VirtualClock } from '@streamspace/testkit';
import { beforeEach, describe, expect, it } from 'vitest';
import { streamEvents } from '../../src/events/stream.ts';
import { AT } from '../support/records.ts';

const event = (id: number, user: string | null = 'alice'): Event => ({
  id,
  at: AT,
  type: 'session.updated',
  agent: 'a1',
  session: `s${id}`,
  user,
  data: {},
});

/** A response that keeps what is written to it. */
class Out extends EventEmitter {
  text = '';
  writableEnded = false;
  writableLength = 0;
  write(text: string): void {
    this.text += text;
  }
  end(text = ''): void {
    this.text += text;
    this.writableEnded = true;
    this.emit('close');
  }
  destroy(): void {
    this.emit('close');
  }
  /** `R` for a reset, and the ids of events, in order. */
  get told(): (number | 'R')[] {
    return [...this.text.matchAll(/event: reset|^id: (\d+)$/gm)].map(([, id]) => (id === undefined ? 'R' : Number(id)));
  }
}

let out: Out;
let clock: VirtualClock;
let publish: (...events: Event[]) => void;
let read: (kept: Event[]) => Promise<void>;
let stream: (after?: number) => { over: Promise<void>; stop: AbortController };

beforeEach(() => {
  out = new Out();
  clock = new VirtualClock();
  let subscriber: ((event: Event) => void) | undefined;
  publish = (...events) => events.forEach((each) => subscriber?.(each));
  stream = (after) => {
    const stop = new AbortController();
    const since = new Promise<Event[]>((resolve) => {
      read = async (kept) => {
        resolve(kept);
        await clock.advance(0);
      };
    });
    const events = {
      append: () => Promise.reject(new Error('not here')),
      since: () => since,
      subscribe: (onEvent: (event: Event) => void, signal: AbortSignal) => {
        subscriber = onEvent;
        signal.addEventListener('abort', () => (subscriber = undefined));
      },
    };
    const user = { id: 'alice', admin: false, expires: clock.now() + 3_600_000 };
    const over = streamEvents(out as unknown as ServerResponse, { events, clock, user, after, signal: stop.signal });
    return { over, stop };
  };
});

describe('what a subscriber is told', () => {
  it('once, and in order, however reading what is kept and what is new overlap', async () => {
    stream(10);
    publish(event(12), event(13));
    await read([event(11), event(12)]);
    publish(event(14));
    expect(out.told).toEqual([11, 12, 13, 14]);
  });

  it('only what is its own; what it may not see is no gap', async () => {
    stream(10);
    await read([event(11, 'bob'), event(12)]);
    publish(event(13, 'bob'), event(14));
    expect(out.told).toEqual([12, 14]);
  });

  it('from the first new event on, when it has seen none', async () => {
    stream();
    await clock.advance(0);
    publish(event(500), event(501));
    expect(out.told).toEqual([500, 501]);
  });

  it('to read everything again, when what it missed is not kept any more', async () => {
    stream(10);
    publish(event(52));
    await read([event(50), event(51), event(52)]);
    publish(event(53));
    expect(out.told).toEqual(['R', 53]);
  });

  it.each([
    ['above', 900],
    ['below', 3],
  ])('to read everything again, when the store began anew with ids %s the old ones', async (_where, first) => {
    stream(10);
    await read([]);
    publish(event(first), event(first + 1));
    expect(out.told).toEqual(['R', first, first + 1]);
  });

  it('to read everything again, when an event got lost on its way', async () => {
    stream(10);
    await read([]);
    publish(event(11), event(13));
    expect(out.told).toEqual([11, 'R', 13]);
  });
});

describe('the end of a stream', () => {
  it('leaves nothing behind when it is stopped', async () => {
    const { over, stop } = stream();
    await clock.advance(0);
    stop.abort(new Error('going away'));
    await over;
    expect(out.text).toContain(': going away');
    expect(clock.pending).toBe(0);
    publish(event(1));
    expect(out.told).toEqual([]);
  });

  it('comes before its begin when the hub is stopping already', async () => {
    const { over } = stream();
    void over;
    const late = new Out();
    await streamEvents(late as unknown as ServerResponse, {
      events: { append: () => Promise.reject(new Error('no')), since: async () => [], subscribe: () => {} },
      clock,
      user: { id: 'alice', admin: false, expires: Infinity },
      after: undefined,
      signal: AbortSignal.abort(new Error('going away')),
    });
    expect(late.text).toBe(': going away\n\n');
  });

  it('comes when a subscriber does not read', async () => {
    const { over } = stream();
    await clock.advance(0);
    out.writableLength = 2 * 1024 * 1024;
    publish(event(1));
    await over;
    expect(out.text).toContain(': too slow');
    expect(clock.pending).toBe(0);
  });
});
