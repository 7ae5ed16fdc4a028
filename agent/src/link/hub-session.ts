import { type Clock, Outage, sleep, withDeadline } from 'clock-port';
import {
  type AgentMessage,
  asStreamSpaceError,
  type HubMessage,
  LIMITS,
  type SessionStatus,
  StreamSpaceError,
  withoutProof,
} from '@streamspace/protocol';
import type { Logger } from 'pino';
import type { CommandPeer, Dispatcher } from '../commands/dispatcher.ts';
import type { Credentials } from './credential.ts';
import type { Link } from './link.ts';
import type { Conversation } from './links.ts';
import type { Pictures } from '../picture/pictures.ts';
import type { SessionBook } from '../sessions/book.ts';
import type { SessionDriver } from '../sessions/driver.ts';
import type { Tunnels } from '../tunnel/tunnels.ts';

export interface HubSessionOptions {
  readonly link: Link;
  readonly clock: Clock;
  readonly log: Logger;
  readonly driver: SessionDriver;
  readonly book: SessionBook;
  readonly dispatcher: Dispatcher;
  readonly tunnels: Tunnels;
  readonly credentials: Credentials;
  readonly pictures: Pictures;
  readonly beat: Conversation['beat'];
  onBeatAnswered(): void;
  /** Somebody wants the session to stay awake. */
  onUsed(sessionId: string): void;
  /** The platform could, or could not, be asked for its sessions. */
  onReport(error: Error | undefined): void;
  goAway(afterMs: number): void;
}

/** To list the platform's sessions, milliseconds; and the pause after a failure. */
const REPORT_TIMEOUT = 10_000;
const REPORT_RETRY = 1_000;
/** Messages that may wait for the report. */
const MAX_HELD = 10_000;

/**
 * What is said on one link. The report of all sessions goes first [CON3]; everything else about sessions waits for it, so that the hub
 * never takes a report for newer than a result that it overtook [SES3].
 */
export class HubSession implements Conversation, CommandPeer {
  readonly #options: HubSessionOptions;
  readonly #over = new AbortController();
  #held: AgentMessage[] | undefined = [];

  constructor(options: HubSessionOptions) {
    this.#options = options;
    // settles by itself and never rejects
    void this.#report();
  }

  /** Says something about sessions or commands, in its place after the report. */
  send(message: AgentMessage): void {
    if (this.#held === undefined) return this.#sendNow(message);
    this.#held.push(message);
    if (this.#held.length > MAX_HELD) {
      this.#options.link.end(new StreamSpaceError('driver_failed', 'The platform does not list its sessions'), 1011);
    }
  }

  /** Nobody uses the session: it is hibernated in so many milliseconds; undefined: not any more [SES10]. */
  sayIdle(sessionId: string, inMs: number | undefined): void {
    if (this.#options.link.welcome.version < 3) return;
    const left = inMs === undefined ? {} : { sleeps_in_ms: Math.round(inMs) };
    this.send({ type: 'session_idle', session_id: sessionId, ...left });
  }

  beat(): ReturnType<Conversation['beat']> {
    return this.#options.beat();
  }

  onBeatAnswered(): void {
    this.#options.onBeatAnswered();
  }

  onMessage(message: HubMessage): void {
    const { link, dispatcher, tunnels } = this.#options;
    switch (message.type) {
      case 'command':
        return dispatcher.dispatch(message, link.welcome.term, this);
      case 'vnc_connect':
        return tunnels.connect(message);
      case 'vnc_disconnect':
        return tunnels.disconnect(message);
      case 'credential':
        // settles by itself and never rejects
        return void this.#keepCredential(message.rotation_id, message.token);
      case 'session_proof':
        // settles by itself and never rejects
        return void this.#keepProof(message.session_id, message.proof);
      case 'take_picture':
        // settles by itself and never rejects
        return void this.#takePicture(message.request_id, message.session_id);
      case 'session_used':
        return this.#options.onUsed(message.session_id);
      case 'go_away':
        return this.#options.goAway(message.reconnect_after_ms);
      case 'refuse':
        return link.end(new StreamSpaceError(message.error.code as 'internal', message.error.message), 1000);
      case 'welcome':
        return link.end(new StreamSpaceError('malformed_frame', 'a second welcome'));
      case 'heartbeat_ack':
        return;
    }
  }

  end(error: StreamSpaceError): void {
    this.#over.abort(error);
    this.#options.tunnels.closeAll();
  }

  async #report(): Promise<void> {
    const { link, clock, log, driver, book } = this.#options;
    const { signal } = this.#over;
    const outage = new Outage(clock, log, 'Sessions could not be listed');
    while (!signal.aborted) {
      try {
        const sessions = await withDeadline(clock, REPORT_TIMEOUT, 'sessions', signal, (limit) => driver.list(limit));
        outage.over();
        book.replace(sessions);
        this.#options.onReport(undefined);
        this.#sendPages(sessions);
        const held = this.#held ?? [];
        this.#held = undefined;
        for (const message of held) this.send(message);
        return link.beat();
      } catch (error) {
        if (signal.aborted) return outage.stop();
        outage.failed({ err: error });
        this.#options.onReport(error as Error);
        await sleep(clock, REPORT_RETRY, signal).catch(() => undefined);
      }
    }
    outage.stop();
  }

  #sendNow(message: AgentMessage): void {
    const { link } = this.#options;
    if (link.welcome.version < 3) message = forVersion2(message);
    if (message.type !== 'result' || (message.sessions?.length ?? 0) <= LIMITS.sessionsPage)
      return void link.tell(message);
    const { sessions, ...result } = message;
    this.#sendPages(sessions!);
    link.tell(result);
  }

  #sendPages(sessions: readonly SessionStatus[]): void {
    const page = LIMITS.sessionsPage;
    for (let from = 0; from === 0 || from < sessions.length; from += page) {
      const more = from + page < sessions.length;
      const told: AgentMessage = {
        type: 'sessions',
        sessions: sessions.slice(from, from + page),
        ...(more && { more }),
      };
      this.#options.link.tell(this.#options.link.welcome.version < 3 ? forVersion2(told) : told);
    }
  }

  async #takePicture(requestId: string, sessionId: string): Promise<void> {
    const { link, pictures } = this.#options;
    const answer = await pictures.take(sessionId, this.#over.signal).then(
      (png) => ({ png: png.toString('base64') }),
      (error: unknown) => ({ error: asStreamSpaceError(error, 'screen_unreachable').toJSON() }),
    );
    link.tell({ type: 'picture', request_id: requestId, ...answer });
  }

  async #keepProof(sessionId: string, proof: string): Promise<void> {
    const { clock, log, driver } = this.#options;
    try {
      await withDeadline(clock, REPORT_TIMEOUT, 'the session', this.#over.signal, (limit) =>
        driver.prove(sessionId, proof, limit),
      );
    } catch (error) {
      // the hub says it again at the next list
      if (!this.#over.signal.aborted) log.warn({ err: error, session: sessionId }, 'Proof of a session not kept');
    }
  }

  async #keepCredential(rotationId: string, token: string): Promise<void> {
    const { link, log, credentials } = this.#options;
    try {
      await credentials.store(token);
      link.tell({ type: 'credential_stored', rotation_id: rotationId });
      log.info({ rotation_id: rotationId }, 'Credential rotated');
    } catch (error) {
      // not stored, not answered: the old one stays valid [AUTH5]
      log.error({ err: error, rotation_id: rotationId }, 'Credential could not be stored');
    }
  }
}

/** As a hub of version 2 knows it: it would refuse the field, or an error that it doesn't know [VER2]. */
function forVersion2(message: AgentMessage): AgentMessage {
  const bare = (status: SessionStatus): SessionStatus => ({ ...status, spec: withoutProof(status.spec) });
  switch (message.type) {
    case 'sessions':
      return { ...message, sessions: message.sessions.map(bare) };
    case 'session_state':
      return { ...message, session: bare(message.session) };
    case 'result':
      return {
        ...message,
        ...(message.error?.code === 'home_of_another' && { error: { ...message.error, code: 'driver_failed' } }),
        ...(message.session && { session: bare(message.session) }),
        ...(message.sessions && { sessions: message.sessions.map(bare) }),
      };
    default:
      return message;
  }
}
