/**
 * One round at a time: calls during a round cause exactly one more, which begins when that one is over. The promise is that of a round that
 * began after the call: what was so before the call, the round has seen. It rejects when that round does.
 */
export function coalesce(round: () => Promise<void>): () => Promise<void> {
  const each = coalesceEach(round);
  return () => each(undefined);
}

/** The same for each key by itself: rounds of different keys run side by side. */
export function coalesceEach<K>(round: (key: K) => Promise<void>): (key: K) => Promise<void> {
  const rounds = new Map<K, { now?: Promise<void>; next?: Promise<void> }>();
  const begin = (key: K): Promise<void> => {
    const state: { now?: Promise<void>; next?: Promise<void> } = {};
    rounds.set(key, state);
    state.now = round(key).finally(() => {
      if (state.next === undefined) rounds.delete(key);
    });
    return state.now;
  };
  return (key) => {
    const state = rounds.get(key);
    if (state === undefined) return begin(key);
    const over = async () => {
      // a round may ask for the next before it has handed over its own promise
      await Promise.resolve();
      await state.now?.catch(() => undefined);
    };
    return (state.next ??= over().then(() => begin(key)));
  };
}
