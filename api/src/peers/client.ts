import { ERROR_CODES, type ErrorBody, LIMITS, StreamSpaceError } from '@streamspace/protocol';
import { type Clock, withDeadline } from 'clock-port';
import type { FastifyBaseLogger } from 'fastify';
import { WebSocket } from 'ws';
import type { LinkMetrics } from '../agents/link/metrics.ts';
import { type PeerClaims, type Purpose, signPeer } from './credential.ts';

/** Milliseconds for a peer to accept a connection and answer a question that needs no work. */
const ASK_MS = 3_000;

export interface PeersDeps {
  readonly clock: Clock;
  readonly log: FastifyBaseLogger;
  readonly metrics: LinkMetrics;
  readonly randomBytes: (size: number) => Buffer;
  readonly secret: string | undefined;
}

type About = Omit<PeerClaims, 'purpose' | 'to'>;

/** The peers of this replica, dialled directly at the address that they keep with their claims [I6]. */
export class Peers {
  readonly #deps: PeersDeps;

  constructor(deps: PeersDeps) {
    this.#deps = deps;
  }

  /**
   * Asks the replica at `hub` and resolves with its answer (JSON). Rejects with its own refusal, with `agent_offline` and
   * `details.unreachable` when it can't be reached or doesn't answer within `ms`.
   */
  async ask(hub: string, purpose: Exclude<Purpose, 'screen'>, about: About, ms = ASK_MS): Promise<unknown> {
    const { clock, metrics } = this.#deps;
    const authorization = this.#credential(hub, purpose, about);
    let answer: { status: number; body: unknown };
    try {
      answer = await withDeadline(clock, ms, `the hub replica ${hub}`, undefined, async (signal) => {
        const response = await fetch(`${hub}/internal/v1/${purpose}`, {
          method: 'POST',
          headers: { authorization },
          redirect: 'error',
          signal,
        });
        return { status: response.status, body: await response.json().catch(() => undefined) };
      });
    } catch (error) {
      metrics.peerRequests.inc({ purpose, outcome: 'unreachable' });
      throw unreachable(hub, error);
    }
    metrics.peerRequests.inc({ purpose, outcome: answer.status < 300 ? 'ok' : 'refused' });
    if (answer.status >= 300) throw peerRefusal(answer.status, answer.body);
    return answer.body;
  }

  /** Tells the replica at `hub`, whether or not it can be reached. */
  tell(hub: string, purpose: Exclude<Purpose, 'screen'>, about: About): void {
    this.ask(hub, purpose, about).catch((error: unknown) =>
      this.#deps.log.info({ err: error, peer: hub, purpose, agent: about.agent }, 'Hub replica not notified'),
    );
  }

  /**
   * A WebSocket to a screen of an agent that the replica at `hub` holds; not open yet. `steer`: the viewer's value, unchanged; a replica that
   * does not know it ignores it silently.
   */
  screen(
    hub: string,
    about: Required<Pick<About, 'agent' | 'session' | 'user'>> & Pick<About, 'viewer' | 'until'>,
    steer: string | null,
  ): WebSocket {
    const authorization = this.#credential(hub, 'screen', about);
    const query = steer === 'yes' || steer === 'no' ? `?steer=${steer}` : '';
    return new WebSocket(`${hub.replace(/^http/, 'ws')}/internal/v1/sessions/${about.session}/screen${query}`, {
      headers: { authorization },
      perMessageDeflate: false,
      maxPayload: LIMITS.controlMessage,
      followRedirects: false,
    });
  }

  #credential(hub: string, purpose: Purpose, about: About): string {
    const { secret, clock, randomBytes } = this.#deps;
    if (secret === undefined || !/^https?:\/\//.test(hub))
      throw new StreamSpaceError('agent_offline', `the hub replica at ${hub} can't be reached from this one`, {
        unreachable: true,
      });
    const nonce = randomBytes(12).toString('base64url');
    return `Peer ${signPeer(secret, { purpose, to: hub, ...about }, { now: clock.now(), nonce })}`;
  }
}

/** Whether the error means that the replica was unreachable, as opposed to an answer of it. */
export function isUnreachable(error: unknown): boolean {
  return error instanceof StreamSpaceError && error.details['unreachable'] === true;
}

export function unreachable(hub: string, cause: unknown): StreamSpaceError {
  return new StreamSpaceError(
    'agent_offline',
    `the hub replica that holds the agent (${hub}) does not answer; try again`,
    { unreachable: true },
    { cause },
  );
}

/** The error in a peer's answer. */
export function peerRefusal(status: number, body: unknown): StreamSpaceError {
  const error = (body as { error?: Partial<ErrorBody> } | undefined)?.error;
  const code = ERROR_CODES.find((known) => known === error?.code);
  return code === undefined
    ? new StreamSpaceError('internal', `the other hub replica answered ${status}`)
    : new StreamSpaceError(code, String(error?.message));
}
