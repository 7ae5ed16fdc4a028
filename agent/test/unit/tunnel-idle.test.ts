import { Duplex } from 'node:stream';
import { VirtualClock } from '@streamspace/testkit';
import type { MuxStream, StreamSpaceError } from '@streamspace/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Tunnel } from '../../src/tunnel/tunnel.ts';

const HOUR = 3_600_000;

describe('VNC_TUNNEL_TIMEOUT', () => {
  let clock: VirtualClock;
  let screen: Duplex;
  let over: (StreamSpaceError | undefined)[];
  let tunnel: Tunnel;
  let inputs: number;
  /** What the viewer's side takes before it says stop. */
  let room: boolean;

  beforeEach(() => {
    clock = new VirtualClock();
    over = [];
    inputs = 0;
    room = true;
    screen = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
    tunnel = new Tunnel(
      screen,
      clock,
      HOUR,
      (error) => over.push(error),
      () => inputs++,
    );
    const stream = { write: () => room, end() {}, reset() {} };
    tunnel.start(stream as unknown as MuxStream);
  });
  afterEach(() => {
    tunnel.close(undefined);
    expect(clock.pending).toBe(0);
  });

  it('counts what the viewer says, and what it is shown', async () => {
    await clock.advance(HOUR - 1);
    tunnel.handler.onData(Buffer.of(1), () => undefined);
    await clock.advance(HOUR - 1);
    screen.push(Buffer.of(1));
    await clock.advance(HOUR - 1);
    expect(over).toEqual([]);
    await clock.advance(1);
    expect(over.map((error) => error?.code)).toEqual(['idle_timeout']);
  });

  it('does not count a screen that talks to a viewer that takes nothing', async () => {
    room = false;
    for (let minute = 0; minute < 61; minute++) {
      screen.push(Buffer.of(1));
      await clock.advance(60_000);
    }
    expect(over.map((error) => error?.code)).toEqual(['idle_timeout']);
  });

  it('tells of input, and of nothing else that a viewer says', () => {
    tunnel.handler.onData(Buffer.from('RFB 003.008\n\x01\x01', 'latin1'), () => undefined);
    tunnel.handler.onData(Buffer.of(3, 1, 0, 0, 0, 0, 0, 0, 0, 0), () => undefined);
    expect(inputs).toBe(0);
    tunnel.handler.onData(Buffer.of(5, 0, 0, 1, 0, 1), () => undefined);
    expect(inputs).toBe(1);
  });
});
