import { everySeed } from '@streamspace/testkit';
import { describe, it } from 'vitest';
import { commandPath, LIMIT_MS } from './command-path.ts';

// two files, because each runs on one core
describe('the way of a command, simulated (first half)', () => {
  it(
    'I1 I4 [TERM2] [CMD2] [CMD3] [CMD4] [CMD5] whatever crashes, freezes, is cut or deleted: nothing lost, nothing doubled, one acts',
    async () => {
      await everySeed(2_500, async (seed) => void (await commandPath(seed)), 0);
    },
    LIMIT_MS,
  );
});
