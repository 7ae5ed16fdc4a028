import { type Agent, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { type Clock, hedged, withDeadline } from 'clock-port';
import { asStreamSpaceError, StreamSpaceError } from '@streamspace/protocol';
import { attemptsOf, whenTaken } from './attempts.ts';
import { Refused } from './refused.ts';

export interface EnrolOptions {
  readonly url: URL;
  readonly agentId: string;
  /** Enrolment token. */
  readonly token: string;
  /** The replica that the credential is for, if each replica has its own. */
  readonly replica?: string;
  /** This replica does not lead: the token is used only if it has unlimited uses. */
  readonly standby?: boolean;
  /** Agent of a proxy. */
  readonly agent?: Agent | undefined;
  readonly ca?: string | undefined;
}

/** Milliseconds for the whole exchange. */
const TIMEOUT = 15_000;
const MAX_ANSWER = 64 * 1024;

/** Exchanges an enrolment token for a credential of this agent's own [AUTH3]. Rejects like `openLink`. */
export function enrol(options: EnrolOptions, clock: Clock, signal: AbortSignal): Promise<string> {
  return withDeadline(clock, TIMEOUT, 'enrolment', signal, async (limit) => {
    const ask = async (attempt: AbortSignal, taken: () => void) => {
      const { response, body } = await post(options, attempt, taken);
      if (response.statusCode !== 200 && response.statusCode !== 201) throw Refused.byResponse(response, body, clock);
      return body;
    };
    // a token may be valid for one use only
    const body = await hedged(clock, limit, ask, { ...attemptsOf(options.agent), once: true });
    const credential = credentialIn(body);
    if (credential === undefined)
      throw new StreamSpaceError('malformed_frame', 'The hub answered the enrolment without a credential');
    return credential;
  });
}

function post(
  options: EnrolOptions,
  signal: AbortSignal,
  taken: () => void,
): Promise<{ response: IncomingMessage; body: string }> {
  const { url, agentId, token, replica, standby, agent, ca } = options;
  const body = JSON.stringify({ agent_id: agentId, replica, ...(standby === true && { standby }) });
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => reject(asStreamSpaceError(error, 'agent_offline'));
    const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(
      url,
      {
        method: 'POST',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
        },
        signal,
        // a connection of its own, closed after the answer
        agent: agent ?? false,
        ...(ca !== undefined && { ca }),
      },
      (response) => {
        let answer = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          answer += chunk;
          if (answer.length > MAX_ANSWER)
            request.destroy(new Error(`The hub answered the enrolment with more than ${MAX_ANSWER} bytes`));
        });
        response.on('end', () => resolve({ response, body: answer }));
        response.on('error', fail);
      },
    );
    request.on('error', fail);
    whenTaken(request, taken);
    request.end(body);
  });
}

function credentialIn(body: string): string | undefined {
  try {
    const { credential } = JSON.parse(body) as { credential?: unknown };
    return typeof credential === 'string' && /^[\x21-\x7e]{16,512}$/.test(credential) ? credential : undefined;
  } catch {
    return undefined;
  }
}
