import { EventEmitter, getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { outcomeOf, whenAborted } from '../../src/index.ts';

const listenersOf = (signal: AbortSignal) => getEventListeners(signal, 'abort').length;

describe('whenAborted', () => {
  it('calls back once, at once if the signal has aborted already, and not after it was taken away', () => {
    const stop = new AbortController();
    const calls: string[] = [];
    whenAborted(stop.signal, () => calls.push('kept'));
    whenAborted(stop.signal, () => calls.push('taken away'))();
    stop.abort();
    whenAborted(stop.signal, () => calls.push('late'));
    expect(calls).toEqual(['kept', 'late']);
    expect(listenersOf(stop.signal)).toBe(0);
  });
});

describe('outcomeOf', () => {
  const waiting = (signal: AbortSignal, source: EventEmitter) =>
    outcomeOf<string>(signal, (resolve, reject) => {
      source.on('value', resolve).on('fault', reject);
      return () => source.off('value', resolve).off('fault', reject);
    });
  const left = (source: EventEmitter) => source.listenerCount('value') + source.listenerCount('fault');

  it.each([
    ['a value', 'value', 'fulfilled'],
    ['a fault', 'fault', 'rejected'],
  ])('settles with %s and leaves no listener behind', async (_, event, status) => {
    const { signal } = new AbortController();
    const source = new EventEmitter();
    const outcome = waiting(signal, source);
    source.emit(event, 'first');
    source.emit('value', 'second');
    const [settled] = await Promise.allSettled([outcome]);
    expect(settled).toMatchObject({ status, ...(status === 'fulfilled' ? { value: 'first' } : { reason: 'first' }) });
    expect([left(source), listenersOf(signal)]).toEqual([0, 0]);
  });

  it('rejects with the reason of an abort and leaves no listener behind', async () => {
    const stop = new AbortController();
    const source = new EventEmitter();
    const outcome = waiting(stop.signal, source);
    stop.abort(new Error('enough'));
    await expect(outcome).rejects.toThrow('enough');
    expect([left(source), listenersOf(stop.signal)]).toEqual([0, 0]);
  });

  it('does not begin to listen after an abort', async () => {
    const source = new EventEmitter();
    await expect(waiting(AbortSignal.abort(new Error('too late')), source)).rejects.toThrow('too late');
    expect(left(source)).toBe(0);
  });

  it('ends what it listens to, also when the outcome comes while it begins', async () => {
    const { signal } = new AbortController();
    let ended = 0;
    const outcome = outcomeOf<number>(signal, (resolve) => {
      resolve(1);
      return () => ended++;
    });
    expect([await outcome, ended, listenersOf(signal)]).toEqual([1, 1, 0]);
  });

  it('rejects with what its beginning throws', async () => {
    const { signal } = new AbortController();
    const outcome = outcomeOf(signal, () => {
      throw new Error('no such place');
    });
    await expect(outcome).rejects.toThrow('no such place');
    expect(listenersOf(signal)).toBe(0);
  });
});
