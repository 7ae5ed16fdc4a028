import { asStreamSpaceError } from '@streamspace/protocol';
import { type Clock, pause } from 'clock-port';
import type { Logger } from 'pino';
import { Backoff } from './backoff.ts';
import type { Credentials } from './credential.ts';

export interface EnrolAheadOptions {
  readonly credentials: Pick<Credentials, 'prepare'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  /** Whether this replica leads now: a leader enrols anyway. */
  leads(): boolean;
}

/** Milliseconds before the first attempt, so that a leader exists, and between attempts. */
const FIRST = 1_000;
const LONGEST = 60_000;

/**
 * Gets a standby its credential in advance: enrolling at the takeover costs two round trips to a hub that may be losing replicas. Ends when the
 * standby has a credential, when the hub refuses one to standbys, or when the signal aborts. Never rejects.
 */
export async function enrolAhead(options: EnrolAheadOptions, signal: AbortSignal): Promise<void> {
  const { credentials, clock, log, random } = options;
  const backoff = new Backoff(clock, { base: 2 * FIRST, max: LONGEST, random });
  await pause(clock, FIRST * (1 + random()), signal);
  while (!signal.aborted) {
    try {
      if (!options.leads()) return await credentials.prepare(signal);
    } catch (error) {
      const { code, message, retryable } = asStreamSpaceError(error, 'agent_offline');
      log.debug({ code, err: message }, 'Not enrolled ahead of time');
      if (!retryable) return;
    }
    await pause(clock, backoff.next(), signal);
  }
}
