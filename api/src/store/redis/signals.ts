import type { Clock } from 'clock-port';
import type { Signal, SignalStore } from '../store.ts';
import type { RedisConnection } from './connection.ts';
import { follow } from './follow.ts';
import { RETENTION, KEYS } from './keys.ts';
import { SCRIPTS } from './scripts.ts';

/** A short stream for each hub replica that gets signals; it expires after a while without signals. */
export function redisSignals(
  connection: RedisConnection,
  clock: Clock,
  closing: AbortSignal,
  onError: (error: Error) => void,
): SignalStore {
  return {
    async send(hub, message) {
      const args = [JSON.stringify(message), RETENTION.signals, RETENTION.signalsMs];
      await connection.run(SCRIPTS.sendSignal, [KEYS.signals(hub)], args);
    },

    subscribe(hub, onMessage, onGap, signal) {
      if (signal.aborted || closing.aborted) return;
      const stream = KEYS.signals(hub);
      void follow(
        {
          connection,
          clock,
          stream,
          begin: async () => {
            const [newest] = await connection.do((client) => client.xrevrange(stream, '+', '-', 'COUNT', 1));
            onGap();
            return newest?.[0] ?? '0-0';
          },
          onEntry: ([, [, text]]) => onMessage(JSON.parse(text!) as Signal),
          onError,
        },
        AbortSignal.any([signal, closing]),
      );
    },
  };
}
