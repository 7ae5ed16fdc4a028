import { afterEach, beforeEach } from 'vitest';
import type { Store } from '../../../src/store/store.ts';

/** A fresh, empty store, and how to end it. */
export interface StoreUnderTest {
  store: Store;
  /** Lets so many milliseconds pass on the store's clock (or for real). */
  pass(ms: number): Promise<void>;
}

export type MakeStore = () => Promise<StoreUnderTest>;

/** A store for each test of the enclosing `describe`, closed after it. */
export function eachWith(makeStore: MakeStore): { readonly store: Store; pass(ms: number): Promise<void> } {
  let current: StoreUnderTest;
  beforeEach(async () => {
    current = await makeStore();
  });
  afterEach(() => current.store.close());
  return {
    get store() {
      return current.store;
    },
    pass: (ms) => current.pass(ms),
  };
}
