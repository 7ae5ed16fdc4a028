import { errorOfClose } from '@streamspace/protocol/errors';
import { RestError } from '../api/http.ts';
import { fullJitter } from '../api/backoff.ts';

/** The reaction to the end or the failure of a screen's connection. `words` is the reason, for the user. */
export type Verdict =
  | {
      next: 'retry';
      words: string;
      /** The fault, if a retry alone does not help. */
      title?: string;
      /** `once`: without a wait, if it is the first attempt in a row; `always`: the time without an acceptance was wait enough. */
      atOnce?: 'once' | 'always';
    }
  /** Needs the user's decision. */
  | { next: 'stop'; words: string }
  /** The session does not exist (any more). */
  | { next: 'gone' };

const LEADER_CHANGED = 'The agent’s leader changed. Back in a moment.';

/** The verdict on a WebSocket close. `reason` is the hub's sentence, if it gave one. */
export function verdictOfClose(code: number, reason: string, wasConnected: boolean): Verdict {
  const error = errorOfClose(code);
  switch (error) {
    case 'agent_offline':
    case 'heartbeat_lost':
    case 'superseded':
      return { next: 'retry', words: LEADER_CHANGED };
    case 'going_away':
      return { next: 'retry', words: 'The hub restarts. Back in a moment.', atOnce: 'once' };
    case 'ticket_invalid':
      return { next: 'retry', words: 'The ticket was used up. Getting a new one.' };
    case 'not_found':
      return { next: 'gone' };
    case 'idle_timeout':
      return { next: 'stop', words: reason || 'The screen was closed because nothing happened on it for long.' };
    case 'origin_refused':
      return { next: 'stop', words: reason || `The hub does not serve pages of ${location.origin}.` };
    case 'unauthenticated':
    case 'forbidden':
      return { next: 'stop', words: reason || 'You may not see this screen.' };
    case 'screen_unreachable':
      return { next: 'retry', words: reason || 'The desktop’s screen does not answer yet.' };
    case undefined:
      return {
        next: 'retry',
        words: wasConnected ? 'The connection was lost. Back in a moment.' : 'The hub could not be reached.',
      };
    default:
      return { next: 'retry', words: reason || 'The connection was lost. Back in a moment.' };
  }
}

/** The verdict on a WebSocket that nothing accepted in time. */
export const NOBODY_TOOK_IT: Verdict = { next: 'retry', words: 'The hub could not be reached.', atOnce: 'always' };

/** The verdict on a connection that loses all bytes. */
export const LINE_DIED: Verdict = {
  next: 'retry',
  words: 'The connection to the hub went silent. Opening a new one.',
  atOnce: 'once',
};

/** Number of consecutive sockets that did not open, each followed by an answer of the hub, that proves a systematic cause. */
const NO_ACCIDENT = 3;

/**
 * Why sockets do not open while the hub answers requests. Proxies that do not pass on WebSockets are common, and a browser gives no reason for a
 * failed socket.
 */
export class NoSocket {
  #inARow = 0;

  /** A socket opened. */
  reset(): void {
    this.#inARow = 0;
  }

  /** The verdict on one that did not open; `said` is the hub's answer about it. Undefined: unknown. */
  verdict(said: unknown): Verdict | undefined {
    if (!(said instanceof RestError) || said.status === 0 || said.retryable) {
      this.#inARow = 0;
      return undefined;
    }
    this.#inARow += 1;
    if (said.details['without_upgrade'] === true) return { next: 'retry', words: said.message, title: NO_WEBSOCKETS };
    if (this.#inARow < NO_ACCIDENT) return undefined;
    const words = `The hub answers requests at ${location.origin}, but no WebSocket of this page reaches it: a proxy, a firewall or a program of this computer between them lets requests through and no WebSockets.`;
    return { next: 'retry', words, title: NO_WEBSOCKETS };
  }
}

const NO_WEBSOCKETS = 'No screen gets through';

/** The verdict on a reconnect requested by the user. */
export const ASKED_FOR: Verdict = { next: 'retry', words: 'Connecting anew.', atOnce: 'always' };

/** The verdict on a refused ticket. */
export function verdictOfRefusal(error: unknown): Verdict {
  if (!(error instanceof RestError)) return { next: 'retry', words: 'The hub could not be reached.' };
  if (error.code === 'not_found') return { next: 'gone' };
  if (error.code === 'agent_offline') return { next: 'retry', words: LEADER_CHANGED };
  return error.retryable ? { next: 'retry', words: error.message } : { next: 'stop', words: error.message };
}

/** After this long (ms) a connection counts as steady: the next attempts begin fast again. */
const STEADY_MS = 5_000;

/** How long to wait between attempts: fast at first, with full jitter, at most 8 s. */
export class Patience {
  #attempt = 0;

  get attempt(): number {
    return this.#attempt;
  }

  /** Milliseconds until the next attempt; `upMs` is the duration of the last connection. */
  next(upMs: number, random: number): number {
    if (upMs >= STEADY_MS) this.#attempt = 0;
    return fullJitter(this.#attempt++, random, { base: 300, max: 8_000 });
  }

  reset(): void {
    this.#attempt = 0;
  }
}
