import type { SessionSpec } from '@streamspace/protocol';
import type { Clock } from 'clock-port';
import { type KubeClient, waitingFor, type WaitListener } from 'kube-client';
import type { Operations } from '../../core/operations.ts';
import type { Running } from '../../core/record-driver.ts';
import type { View } from '../state/view.ts';

/** Longest wait until the cluster is in view, before the operation reports that it waits. Milliseconds. */
const SIGHT_MS = 2_000;
/** Longest reason of a session, characters. */
const REASON_LIMIT = 4096;

export interface PatienceParts {
  readonly client: KubeClient;
  readonly view: View;
  readonly clock: Clock;
  readonly operations: Operations;
}

/**
 * Runs one operation on a session with the cluster in view. While the operation waits for the API server, it gives its slot to others; a
 * session that is starting then has the last error as its reason.
 */
export function withPatience<T>(
  { view, clock, client, operations }: PatienceParts,
  { signal, slot, sessionId, starts, ...asked }: Running,
  work: () => Promise<T>,
): Promise<T> {
  const tell = (reason: string | undefined) => {
    const spec: SessionSpec | undefined = starts ? (asked.spec ?? view.record(sessionId)?.spec) : undefined;
    if (spec === undefined) return;
    const told = reason === undefined ? {} : { reason: reason.slice(0, REASON_LIMIT) };
    operations.tell(spec.id, { spec, state: 'starting', ...told });
  };
  const listener: WaitListener = {
    waits: (reason) => {
      slot?.leave(reason);
      tell(reason);
    },
    goesOn: async (limit) => {
      tell(undefined);
      await slot?.regain(limit);
    },
  };
  return waitingFor(listener, async () => {
    let waits = false;
    const blind = clock.setTimeout(() => {
      waits = true;
      listener.waits(client.troubles.current ?? 'The API server does not list pods and Services');
    }, SIGHT_MS);
    try {
      return await view.during(signal, async () => {
        blind.cancel();
        if (waits) await listener.goesOn(signal);
        return work();
      });
    } finally {
      blind.cancel();
    }
  });
}
