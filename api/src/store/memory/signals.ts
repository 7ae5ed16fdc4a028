import type { Signal, SignalStore } from '../store.ts';

export function memorySignals(): SignalStore {
  const listeners = new Map<string, Set<(message: Signal) => void>>();

  return {
    async send(hub, message) {
      for (const listener of listeners.get(hub) ?? []) listener({ ...message });
    },

    subscribe(hub, onMessage, onGap, signal) {
      if (signal.aborted) return;
      // separate subscriptions, even of the same function
      const listener = (message: Signal) => onMessage(message);
      const known = listeners.get(hub) ?? new Set();
      listeners.set(hub, known.add(listener));
      signal.addEventListener(
        'abort',
        () => {
          known.delete(listener);
          if (known.size === 0) listeners.delete(hub);
        },
        { once: true },
      );
      onGap();
    },
  };
}
