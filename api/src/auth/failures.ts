import type { IncomingMessage } from 'node:http';
import { StreamSpaceError } from '@streamspace/protocol';
import type { Clock } from 'clock-port';
import { Throttle } from '../flow/throttle.ts';
import type { Clients } from '../http/client-address.ts';

/** Addresses whose failures are remembered; the longest known is forgotten for a new one. */
const ADDRESSES = 10_000;

/**
 * Counts credentials that did not hold, by the client's address. It only ever changes what those are told who failed: who proves themselves
 * is let in, however many others behind the same address were not.
 */
export class Failures {
  readonly #throttle: Throttle;
  readonly #everyMs: number;
  readonly #clients: Clients;

  /** So many at once, then one in so many milliseconds, of each address. */
  constructor(clock: Clock, clients: Clients, { burst, everyMs }: { burst: number; everyMs: number }) {
    this.#throttle = new Throttle(clock, { burst, everyMs, keys: ADDRESSES });
    this.#everyMs = everyMs;
    this.#clients = clients;
  }

  /** What the caller is told: `refusal`, or `rate_limited` when there were too many. `about`: what they are counted by besides. */
  count(request: Pick<IncomingMessage, 'headers' | 'socket'>, refusal: StreamSpaceError, about = ''): StreamSpaceError {
    if (this.#throttle.pass(`${this.#clients.address(request)} ${about}`)) return refusal;
    return new StreamSpaceError('rate_limited', 'too many invalid credentials from this address: wait a little', {
      retry_after_ms: Math.max(1_000, this.#everyMs),
    });
  }
}
