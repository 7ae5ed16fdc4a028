import type { IncomingMessage } from 'node:http';
import { StreamSpaceError } from '@streamspace/protocol';
import type { Clock } from 'clock-port';
import { Throttle } from '../flow/throttle.ts';
import type { Clients } from '../http/client-address.ts';

/** Most addresses with remembered failures; a new one replaces the oldest. */
const ADDRESSES = 10_000;

/**
 * Counts invalid credentials by the client's address. The count only affects the answer to failures: an authenticated client
 * is admitted, whatever the number of failures from the same address.
 */
export class Failures {
  readonly #throttle: Throttle;
  readonly #everyMs: number;
  readonly #clients: Clients;

  /** Allowed failures per address: this many at once, then one per this many milliseconds. */
  constructor(clock: Clock, clients: Clients, { burst, everyMs }: { burst: number; everyMs: number }) {
    this.#throttle = new Throttle(clock, { burst, everyMs, keys: ADDRESSES });
    this.#everyMs = everyMs;
    this.#clients = clients;
  }

  /** The error for the caller: `refusal`, or `rate_limited` after too many. `about`: a further key for the count. */
  count(request: Pick<IncomingMessage, 'headers' | 'socket'>, refusal: StreamSpaceError, about = ''): StreamSpaceError {
    if (this.#throttle.pass(`${this.#clients.address(request)} ${about}`)) return refusal;
    return new StreamSpaceError('rate_limited', 'too many invalid credentials from this address: wait a little', {
      retry_after_ms: Math.max(1_000, this.#everyMs),
    });
  }
}
