import { hedged, type HedgeOptions } from 'clock-port';
import { VirtualClock } from '@streamspace/testkit';
import { beforeEach, describe, expect, it } from 'vitest';

class Refusal extends Error {}
const options: HedgeOptions = {
  companyMs: [500, 500, 2_000],
  silentMs: [300, 200, 200, 1_000],
  answered: (error) => error instanceof Refusal,
  ofOneReplica: (error) => (error as Error).message === 'EHOSTUNREACH',
};

interface Try {
  signal: AbortSignal;
  taken: () => void;
  resolve: (value: string) => void;
  reject: (error: Error) => void;
}

describe('hedged', () => {
  let clock: VirtualClock;
  let tries: Try[];
  const attempt = (signal: AbortSignal, taken: () => void) =>
    new Promise<string>((resolve, reject) => tries.push({ signal, taken, resolve, reject }));
  const failure = (asked: Promise<string>) => asked.catch((error: unknown) => error);
  const { signal } = new AbortController();

  beforeEach(() => {
    clock = new VirtualClock();
    tries = [];
  });

  it('asks once where there is an answer', async () => {
    const asked = hedged(clock, signal, attempt, options);
    await clock.advance(299);
    tries[0]!.resolve('one');
    expect(await asked).toBe('one');
    expect(tries).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });

  it('a try that nothing takes gets company soon, as often as the list says; who answers first decides, the others are let go', async () => {
    const asked = hedged(clock, signal, attempt, options);
    await clock.advance(700);
    expect(tries).toHaveLength(4);
    await clock.advance(60_000);
    expect(tries).toHaveLength(5);
    tries[1]!.resolve('two');
    expect(await asked).toBe('two');
    expect(tries.map((each) => each.signal.aborted)).toEqual([true, false, true, true, true]);
    expect(clock.pending).toBe(0);
  });

  it('a try that something took gets company later: who is slow to answer may have much to do', async () => {
    const asked = hedged(clock, signal, attempt, options);
    tries[0]!.taken();
    await clock.advance(499);
    expect(tries).toHaveLength(1);
    await clock.advance(501);
    expect(tries).toHaveLength(3);
    await clock.advance(60_000);
    expect(tries).toHaveLength(4);
    tries[0]!.resolve('one');
    expect(await asked).toBe('one');
    expect(clock.pending).toBe(0);
  });

  it('is patient from the moment on in which something takes one, and no longer when that one fails', async () => {
    const asked = hedged(clock, signal, attempt, options);
    await clock.advance(300);
    tries[1]!.taken();
    tries[1]!.taken();
    await clock.advance(499);
    expect(tries).toHaveLength(2);
    await clock.advance(1);
    expect(tries).toHaveLength(3);
    tries[1]!.reject(new Error('ECONNRESET'));
    await clock.advance(500);
    expect(tries).toHaveLength(4);
    await clock.advance(200);
    expect(tries).toHaveLength(5);
    tries[4]!.resolve('five');
    expect(await asked).toBe('five');
  });

  it('what comes too late is given back', async () => {
    const late: string[] = [];
    const asked = hedged(clock, signal, attempt, options, (value) => late.push(value));
    await clock.advance(300);
    tries[0]!.resolve('one');
    tries[1]!.resolve('two');
    expect(await asked).toBe('one');
    await clock.advance(1);
    expect(late).toEqual(['two']);
  });

  it('a refusal is an answer; a connection that fails is none while others are under way', async () => {
    const outcome = failure(hedged(clock, signal, attempt, options));
    await clock.advance(300);
    tries[0]!.reject(new Error('ECONNRESET'));
    await clock.advance(1);
    tries[1]!.reject(new Refusal('no'));
    expect(await outcome).toBeInstanceOf(Refusal);
  });

  it('what has its effect once: a refusal waits for the tries before it, whose answer may be on its way', async () => {
    const asked = hedged(clock, signal, attempt, { ...options, once: true });
    await clock.advance(300);
    tries[1]!.reject(new Refusal('used up'));
    await clock.advance(5_000);
    // who was refused does not ask again
    expect(tries).toHaveLength(2);
    tries[0]!.taken();
    await clock.advance(5_000);
    expect(tries).toHaveLength(2);
    tries[0]!.resolve('one');
    expect(await asked).toBe('one');
  });

  it('what has its effect once: the refusal counts when the others fail', async () => {
    const outcome = failure(hedged(clock, signal, attempt, { ...options, once: true }));
    await clock.advance(300);
    tries[1]!.reject(new Refusal('used up'));
    await clock.advance(1);
    tries[0]!.reject(new Error('socket hang up'));
    expect(await outcome).toBeInstanceOf(Refusal);
  });

  it('a machine that is not there is one replica of several: the next try follows, and the last failure counts', async () => {
    const outcome = failure(hedged(clock, signal, attempt, options));
    for (const [at, wait] of [300, 200, 200, 1_000, 0].entries()) {
      expect(tries).toHaveLength(at + 1);
      tries[at]!.reject(new Error('EHOSTUNREACH'));
      await clock.advance(wait);
    }
    expect(await outcome).toMatchObject({ message: 'EHOSTUNREACH' });
    expect(clock.pending).toBe(0);
  });

  it('rejects at once when nobody is there, and when it is told to stop', async () => {
    const refused = failure(hedged(clock, signal, attempt, options));
    tries[0]!.reject(new Error('ECONNREFUSED'));
    expect(await refused).toMatchObject({ message: 'ECONNREFUSED' });
    expect(clock.pending).toBe(0);
    const stop = new AbortController();
    const stopped = failure(hedged(clock, stop.signal, attempt, options));
    stop.abort(new Error('stop'));
    expect(await stopped).toMatchObject({ message: 'stop' });
    expect(tries[1]!.signal.aborted).toBe(true);
    expect(clock.pending).toBe(0);
  });
});
