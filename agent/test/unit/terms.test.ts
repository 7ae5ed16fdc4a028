import { MAX_TERM as OF_THE_PROTOCOL } from '@streamspace/protocol';
import { MAX_TERM } from 'lease-elector';
import { expect, it } from 'vitest';

it('K5 the elector and the hub know the same greatest term', () => {
  expect(OF_THE_PROTOCOL).toBe(MAX_TERM);
});
