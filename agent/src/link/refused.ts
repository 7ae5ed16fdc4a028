import type { IncomingMessage } from 'node:http';
import { type Clock, parseIso } from 'clock-port';
import { ERROR_CODES, type ErrorCode, type HubMessageOf, StreamSpaceError } from '@streamspace/protocol';
import { retryAfterMs } from './hub-url.ts';

export interface Refusal {
  /** The hub's term, if the agent's was too small [TERM3]. */
  readonly term?: number | undefined;
  /** Milliseconds before the agent may come again; 0: the agent decides. */
  readonly retryAfterMs?: number | undefined;
  /** The remedy for the agent's operators, in words. */
  readonly remedy?: string | undefined;
}

/** The negative answer of a hub, or of a server in front of it. No answer at all is another error. */
export class Refused extends StreamSpaceError {
  readonly term: number | undefined;
  readonly retryAfterMs: number;
  readonly remedy: string | undefined;

  constructor(code: ErrorCode, message: string, { term, retryAfterMs: wait = 0, remedy }: Refusal = {}) {
    super(code, message);
    this.term = term;
    this.retryAfterMs = wait;
    this.remedy = remedy;
  }

  /** From the answer to a `hello` [CON4]. */
  static byMessage({ error, remedy, term, retry_after_ms }: HubMessageOf<'refuse'>): Refused {
    return new Refused(error.code as ErrorCode, error.message, { remedy, term, retryAfterMs: retry_after_ms });
  }

  /** From a plain HTTP answer to an upgrade or an enrolment. */
  static byResponse(response: IncomingMessage, body: string, clock: Clock): Refused {
    const status = response.statusCode ?? 0;
    const said = saidIn(body);
    const byStatus: Record<number, ErrorCode> = { 401: 'unauthenticated', 403: 'forbidden', 429: 'rate_limited' };
    const code = said?.code ?? byStatus[status] ?? 'agent_offline';
    const message = `The hub answered ${status}${said === undefined ? '' : `: ${said.message}`}`;
    return new Refused(code, message, {
      retryAfterMs: retryAfterMs(response.headers['retry-after'], clock.now(), parseIso),
    });
  }
}

/** The hub's own error in an answer's body, if there is one. */
function saidIn(body: string): { code: ErrorCode; message: string } | undefined {
  try {
    const { error } = JSON.parse(body) as { error?: { code?: unknown; message?: unknown } };
    const code = ERROR_CODES.find((known) => known === error?.code);
    return code === undefined ? undefined : { code, message: String(error!.message).slice(0, 1024) };
  } catch {
    return undefined;
  }
}
