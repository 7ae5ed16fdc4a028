import { ERRORS, type ErrorCode } from '@streamspace/protocol';
import { describe, expect, it, vi } from 'vitest';
import { RestError } from '../../src/api/http.ts';
import { OpeningTime } from '../../src/viewer/opening.ts';
import { NoSocket, Patience, verdictOfClose, verdictOfRefusal } from '../../src/viewer/reconnect.ts';

const closed = (code: ErrorCode, reason = '') => verdictOfClose(ERRORS[code].close, reason, true);

describe('after a screen’s connection ended', () => {
  it('[STR8] comes back when the agent’s leader changed', () => {
    expect(closed('agent_offline')).toEqual({
      next: 'retry',
      words: expect.stringContaining('leader changed') as string,
    });
    expect(closed('superseded').next).toBe('retry');
    expect(closed('heartbeat_lost').next).toBe('retry');
  });

  it('comes back at once when the hub says it goes away', () => {
    expect(closed('going_away')).toMatchObject({ next: 'retry', atOnce: 'once' });
  });

  it('[VIEW2] gets another ticket for one that was used', () => {
    expect(closed('ticket_invalid').next).toBe('retry');
  });

  it('comes back after what no code names: a cut cable, a clean end', () => {
    expect(verdictOfClose(1006, '', true).next).toBe('retry');
    expect(verdictOfClose(1000, 'the screen closed', true).next).toBe('retry');
  });

  it('leaves the rest to a person, with the hub’s reason', () => {
    expect(closed('idle_timeout', 'idle for an hour')).toEqual({ next: 'stop', words: 'idle for an hour' });
    expect(closed('forbidden').next).toBe('stop');
    expect(closed('not_found')).toEqual({ next: 'gone' });
  });
});

describe('V3 after a WebSocket that never opened', () => {
  const said = (details = {}, status = 400, retryable = false) =>
    new RestError('invalid_request', 'the hub saw no Upgrade', status, retryable, details);

  it('names the proxy at once where the hub saw what it left out', () => {
    expect(new NoSocket().verdict(said({ without_upgrade: true }))).toMatchObject({
      next: 'retry',
      words: 'the hub saw no Upgrade',
      title: 'No screen gets through',
    });
  });

  it('says that requests work and WebSockets do not once that is no accident', () => {
    vi.stubGlobal('location', { origin: 'https://h' });
    const sockets = new NoSocket();
    expect([sockets.verdict(said()), sockets.verdict(said())]).toEqual([undefined, undefined]);
    // a hub that is away, or busy, is another matter
    for (const away of [said({}, 0, true), said({}, 503, true), new Error('late')]) {
      expect(sockets.verdict(away)).toBeUndefined();
      expect([sockets.verdict(said()), sockets.verdict(said())]).toEqual([undefined, undefined]);
    }
    expect(sockets.verdict(said())).toMatchObject({
      words: expect.stringContaining('no WebSocket of this page reaches it') as string,
    });
    sockets.reset();
    expect(sockets.verdict(said())).toBeUndefined();
  });
});

describe('after a ticket was refused', () => {
  const refused = (code: string, retryable: boolean) => verdictOfRefusal(new RestError(code, 'why', 500, retryable));

  it('tries again what may succeed, and what never reached the hub', () => {
    expect(refused('session_not_running', true)).toEqual({ next: 'retry', words: 'why' });
    expect(refused('unreachable', true).next).toBe('retry');
    expect(verdictOfRefusal(new TypeError('broken answer')).next).toBe('retry');
  });

  it('stops, with the reason, what will not', () => {
    expect(refused('forbidden', false)).toEqual({ next: 'stop', words: 'why' });
    expect(refused('not_found', false)).toEqual({ next: 'gone' });
  });
});

describe('patience', () => {
  it('waits longer and longer, with full jitter, at most 8 s', () => {
    const patience = new Patience();
    const waits = Array.from({ length: 12 }, () => patience.next(0, 0.999_999));
    expect(waits.slice(0, 4)).toEqual([300, 600, 1200, 2400]);
    expect(Math.max(...waits)).toBe(8000);
    expect(patience.next(0, 0)).toBe(0);
  });

  it('is fast again only after a connection that served for a while', () => {
    const patience = new Patience();
    for (let n = 0; n < 6; n += 1) patience.next(0, 1);
    expect(patience.next(4_999, 1)).toBe(8000);
    expect(patience.next(5_000, 1)).toBe(300);
  });
});

describe('the time a socket may take to open', () => {
  it('is short where the hub answers fast, and as long as a slow way needs', () => {
    expect(new OpeningTime().next(5)).toBe(300);
    expect(new OpeningTime().next(300)).toBe(3_000);
    expect(new OpeningTime().next(60_000)).toBe(15_000);
  });

  it('grows while nobody takes one, and begins anew once one opened', () => {
    const time = new OpeningTime();
    expect([5, 5, 5].map((ms) => time.next(ms))).toEqual([300, 360, 432]);
    for (let n = 0; n < 50; n += 1) expect(time.next(5)).toBeLessThanOrEqual(15_000);
    time.reset();
    expect(time.next(5)).toBe(300);
  });
});
