import { iso, withDeadline, type Clock } from 'clock-port';
import type { Elector } from '../elector.ts';

const DEADLINE_MS = 5000;
/** More than so many on the way, and the API server has other worries. */
const MAX_PENDING = 8;

/** What `kubectl describe lease` shows. */
export interface LeaseEvent {
  readonly message: string;
  readonly type: 'Normal' | 'Warning';
  /** RFC 3339. */
  readonly at: string;
}

interface RecordOptions {
  readonly elector: Elector;
  readonly lock: { recordEvent(event: LeaseEvent, signal: AbortSignal): Promise<void> };
  readonly clock: Clock;
  /** An event that could not be written; needs `create` on events. */
  readonly onError?: (error: unknown) => void;
}

/** Writes a Kubernetes Event on the Lease for each election and loss of this replica; the function returned stops that. */
export function recordEvents({ elector, lock, clock, onError }: RecordOptions): () => void {
  let pending = 0;
  const write = async (message: string, type: LeaseEvent['type']) => {
    if (pending >= MAX_PENDING) return;
    pending++;
    try {
      const event = { message, type, at: iso(clock.now()) };
      await withDeadline(clock, DEADLINE_MS, 'event', undefined, (signal) => lock.recordEvent(event, signal));
    } catch (error) {
      onError?.(error);
    } finally {
      pending--;
    }
  };
  const subscriptions = [
    elector.on('elected', ({ term, reason }) => {
      void write(`${elector.identity} became leader, term ${term} (${reason.replace('_', ' ')})`, 'Normal');
    }),
    elector.on('lost', ({ term, reason, detail }) => {
      const wanted = reason === 'stopped' || reason === 'yielded';
      void write(`${elector.identity} stopped leading, term ${term}: ${detail}`, wanted ? 'Normal' : 'Warning');
    }),
  ];
  return () => subscriptions.forEach((unsubscribe) => unsubscribe());
}
