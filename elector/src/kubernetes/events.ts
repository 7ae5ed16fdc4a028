import { iso, withDeadline, type Clock } from 'clock-port';
import type { Elector } from '../elector.ts';

const DEADLINE_MS = 5000;
/** Most unfinished writes of events; further events are dropped, because the API server is busy then. */
const MAX_PENDING = 8;

/** An event that `kubectl describe lease` shows. */
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
  /** Called for an event that could not be written; events need the permission `create`. */
  readonly onError?: (error: unknown) => void;
}

/** Writes a Kubernetes Event on the Lease for each election and loss of this replica; the returned function stops that. */
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
