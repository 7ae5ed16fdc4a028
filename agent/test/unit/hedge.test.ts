import { StreamSpaceError } from '@streamspace/protocol';
import { VirtualClock } from '@streamspace/testkit';
import { beforeEach, describe, expect, it } from 'vitest';
import { CONNECTION, hedged } from '../../src/link/hedge.ts';

interface Try {
  signal: AbortSignal;
  resolve: (value: string) => void;
  reject: (error: Error) => void;
}

describe('hedged', () => {
  let clock: VirtualClock;
  let tries: Try[];
  const attempt = (signal: AbortSignal) =>
    new Promise<string>((resolve, reject) => tries.push({ signal, resolve, reject }));
  const { signal } = new AbortController();

  beforeEach(() => {
    clock = new VirtualClock();
    tries = [];
  });

  it('asks once where there is an answer', async () => {
    const asked = hedged(clock, signal, attempt);
    await clock.advance(400);
    tries[0]!.resolve('one');
    expect(await asked).toBe('one');
    expect(tries).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });

  it('a replica that does not answer gets company, soon and then seldom, ten at most; who answers first decides, the others are let go', async () => {
    const asked = hedged(clock, signal, attempt);
    await clock.advance(2_500);
    expect(tries).toHaveLength(6);
    await clock.advance(60_000);
    expect(tries).toHaveLength(10);
    tries[1]!.resolve('two');
    expect(await asked).toBe('two');
    expect(tries.map((each) => each.signal.aborted)).toEqual([true, false, ...Array<boolean>(8).fill(true)]);
    expect(clock.pending).toBe(0);
  });

  it('what comes too late is given back', async () => {
    const late: string[] = [];
    const asked = hedged(clock, signal, attempt, (value) => late.push(value));
    await clock.advance(500);
    tries[0]!.resolve('one');
    tries[1]!.resolve('two');
    expect(await asked).toBe('one');
    await clock.advance(1);
    expect(late).toEqual(['two']);
  });

  it('a refusal is an answer; a connection that fails is none while others are under way', async () => {
    const asked = hedged(clock, signal, attempt);
    const outcome = asked.catch((error: unknown) => error);
    await clock.advance(500);
    tries[0]!.reject(new StreamSpaceError('agent_offline', 'connect ETIMEDOUT'));
    await clock.advance(1);
    tries[1]!.reject(new StreamSpaceError('unauthenticated', 'The hub answered 401', { status: 401 }));
    expect(await outcome).toMatchObject({ code: 'unauthenticated' });
  });

  it('what has its effect once: a refusal waits for the tries before it, whose answer may be on its way', async () => {
    const asked = hedged(clock, signal, attempt, undefined, { ...CONNECTION, once: true });
    await clock.advance(500);
    tries[1]!.reject(new StreamSpaceError('unauthenticated', 'used up', { status: 401 }));
    await clock.advance(5_000);
    // who was refused does not ask again
    expect(tries).toHaveLength(2);
    tries[0]!.resolve('one');
    expect(await asked).toBe('one');
  });

  it('what has its effect once: the refusal counts when the others fail', async () => {
    const outcome = hedged(clock, signal, attempt, undefined, { ...CONNECTION, once: true }).catch(
      (error: unknown) => error,
    );
    await clock.advance(500);
    tries[1]!.reject(new StreamSpaceError('unauthenticated', 'used up', { status: 401 }));
    await clock.advance(1);
    tries[0]!.reject(new StreamSpaceError('agent_offline', 'socket hang up'));
    expect(await outcome).toMatchObject({ code: 'unauthenticated' });
  });

  it('rejects at once when nobody is there, and when it is told to stop', async () => {
    const refused = hedged(clock, signal, attempt).catch((error: unknown) => error);
    tries[0]!.reject(new StreamSpaceError('agent_offline', 'connect ECONNREFUSED'));
    expect(await refused).toMatchObject({ message: 'connect ECONNREFUSED' });
    expect(clock.pending).toBe(0);
    const stop = new AbortController();
    const stopped = hedged(clock, stop.signal, attempt).catch((error: unknown) => error);
    stop.abort(new Error('stop'));
    expect(await stopped).toMatchObject({ message: 'stop' });
    expect(tries[1]!.signal.aborted).toBe(true);
    expect(clock.pending).toBe(0);
  });
});
