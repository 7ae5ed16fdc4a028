/**
 * One round at a time: calls during a round cause exactly one more, which begins when that one is over. The promise is that of a round that
 * began after the call, so that the round sees everything done before the call. It rejects when that round does.
 */
export function coalesce<T>(round: () => Promise<T>): () => Promise<T> {
  const each = coalesceEach(round);
  return () => each(undefined);
}

/** The same per key: rounds of different keys run in parallel. */
export function coalesceEach<K, T>(round: (key: K) => Promise<T>): (key: K) => Promise<T> {
  const rounds = new Map<K, { now?: Promise<T>; next?: Promise<T> }>();
  const begin = (key: K): Promise<T> => {
    const state: { now?: Promise<T>; next?: Promise<T> } = {};
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
      // a round may request the next one before it has returned its own promise
      await Promise.resolve();
      await state.now?.catch(() => undefined);
    };
    return (state.next ??= over().then(() => begin(key)));
  };
}
