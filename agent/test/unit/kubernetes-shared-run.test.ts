import { settle } from '@streamspace/testkit';
import { describe, expect, it } from 'vitest';
import { SharedRun } from '../../src/sessions/kubernetes/state/shared-run.ts';

describe('shared run', () => {
  it('runs once for all its users, ends with the last, and begins again after its end', async () => {
    let running = 0;
    const begun: number[] = [];
    const shared = new SharedRun(async (signal) => {
      begun.push(++running);
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      await settle();
      running--;
    });
    let release!: () => void;
    const held = new Promise<void>((resolve) => (release = resolve));
    const first = shared.during(() => held);
    const second = shared.during(() => held);
    await settle();
    expect(running).toBe(1);
    release();
    await settle();
    const third = shared.during(async () => expect(running).toBe(1));
    await Promise.all([first, second, third]);
    expect(begun).toEqual([1, 1]);
    expect(running).toBe(0);
  });
});
