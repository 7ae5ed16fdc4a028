import { type Clock, Outage, pause, withDeadline } from 'clock-port';
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
import type { CommandOrigin } from '../commands/dispatcher.ts';
import type { AgentConfig } from '../config.ts';
import type { AgentMetrics } from '../health/metrics.ts';
import type { Pictures } from '../picture/pictures.ts';
import type { DeskHub, SessionDesk } from '../sessions/desk.ts';
import type { SessionDriver } from '../sessions/driver.ts';
import { Tunnels } from '../tunnel/tunnels.ts';
import type { Credentials } from './credential.ts';
import type { HubContact } from './hub-contact.ts';
import type { Heartbeat } from './heartbeats.ts';
import type { Link, LinkListener } from './link.ts';
import type { VitalSigns } from './vital-signs.ts';

export interface HubSessionParts {
  readonly config: Pick<AgentConfig, 'vncTunnelTimeout' | 'vncBufferSize'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly driver: SessionDriver;
  readonly desk: SessionDesk;
  readonly credentials: Credentials;
  readonly pictures: Pictures;
  readonly signs: VitalSigns;
  readonly contact: HubContact;
  readonly metrics: AgentMetrics;
}

/** Longest time to store a session's proof, milliseconds. */
const PROOF_TIMEOUT = 10_000;
/** Pause between two tries to list the platform's sessions, milliseconds. */
const REPORT_RETRY = 1_000;
/** Most messages that wait for the report. */
const MAX_HELD = 10_000;

/**
 * The conversation on one link. The report of all sessions goes first [CON3]; all other messages about sessions wait for it, so that the hub
 * never takes a report for newer than a result that it overtook [SES3].
 */
export class HubSession implements LinkListener, CommandOrigin, DeskHub {
  /** Resolves when the hub asks to be left, with the milliseconds until then [CON8]. */
  readonly goAway: Promise<number>;
  readonly #link: Link;
  readonly #parts: HubSessionParts;
  readonly #tunnels: Tunnels;
  #resolveGoAway!: (afterMs: number) => void;
  #held: AgentMessage[] | undefined = [];

  constructor(link: Link, parts: HubSessionParts) {
    this.#link = link;
    this.#parts = parts;
    this.goAway = new Promise((resolve) => (this.#resolveGoAway = resolve));
    const { driver, clock, log, config, desk, metrics } = parts;
    this.#tunnels = new Tunnels(link, {
      driver,
      clock,
      log,
      idleTimeout: config.vncTunnelTimeout,
      bufferSize: config.vncBufferSize,
      idleness: desk.idleness,
      open: metrics.tunnels,
    });
    desk.attach(this);
    void link.ended.then(() => {
      desk.detach(this);
      this.#tunnels.closeAll();
    });
    // settles by itself and never rejects
    void this.#report();
  }

  get term(): number {
    return this.#link.welcome.term;
  }

  /** Sends a message about sessions or commands, in its order after the report. */
  send(message: AgentMessage): void {
    if (this.#held === undefined) return this.#sendNow(message);
    this.#held.push(message);
    if (this.#held.length > MAX_HELD) {
      this.#link.end(new StreamSpaceError('driver_failed', 'The platform does not list its sessions'), 1011);
    }
  }

  sayIdle(sessionId: string, inMs: number | undefined): void {
    if (this.#link.welcome.version < 3) return;
    const left = inMs === undefined ? {} : { sleeps_in_ms: Math.round(inMs) };
    this.send({ type: 'session_idle', session_id: sessionId, ...left });
  }

  closeScreens(sessionId: string, error: StreamSpaceError): void {
    this.#tunnels.closeSession(sessionId, error);
  }

  beat(): Heartbeat {
    return this.#parts.signs.of(this.#link);
  }

  onBeatAnswered(): void {
    this.#parts.contact.heard();
  }

  onMessage(message: HubMessage): void {
    const { desk } = this.#parts;
    switch (message.type) {
      case 'command':
        return desk.dispatcher.dispatch(message, this.term, this);
      case 'vnc_connect':
        return this.#tunnels.connect(message);
      case 'vnc_disconnect':
        return this.#tunnels.disconnect(message);
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
        return desk.used(message.session_id);
      case 'go_away':
        return this.#resolveGoAway(message.reconnect_after_ms);
      case 'refuse':
        return this.#link.end(new StreamSpaceError(message.error.code as 'internal', message.error.message), 1000);
      case 'welcome':
        return this.#link.end(new StreamSpaceError('malformed_frame', 'a second welcome'));
      case 'heartbeat_ack':
        return;
    }
  }

  async #report(): Promise<void> {
    const { clock, log, desk } = this.#parts;
    const { signal } = this.#link;
    const outage = new Outage(clock, log, 'Sessions could not be listed');
    while (!signal.aborted) {
      try {
        const sessions = await desk.list(signal);
        outage.over();
        this.#sendPages(sessions);
        const held = this.#held ?? [];
        this.#held = undefined;
        for (const message of held) this.send(message);
        return this.#link.beat();
      } catch (error) {
        if (signal.aborted) return outage.stop();
        outage.failed({ err: error });
        await pause(clock, REPORT_RETRY, signal);
      }
    }
    outage.stop();
  }

  #sendNow(message: AgentMessage): void {
    const link = this.#link;
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
      this.#link.tell(this.#link.welcome.version < 3 ? forVersion2(told) : told);
    }
  }

  async #takePicture(requestId: string, sessionId: string): Promise<void> {
    const answer = await this.#parts.pictures.take(sessionId, this.#link.signal).then(
      (png) => ({ png: png.toString('base64') }),
      (error: unknown) => ({ error: asStreamSpaceError(error, 'screen_unreachable').toJSON() }),
    );
    this.#link.tell({ type: 'picture', request_id: requestId, ...answer });
  }

  async #keepProof(sessionId: string, proof: string): Promise<void> {
    const { clock, log, driver } = this.#parts;
    const { signal } = this.#link;
    try {
      await withDeadline(clock, PROOF_TIMEOUT, 'the session', signal, (limit) => driver.prove(sessionId, proof, limit));
    } catch (error) {
      // the hub sends the proof again at the next list
      if (!signal.aborted) log.warn({ err: error, session: sessionId }, 'Proof of a session not kept');
    }
  }

  async #keepCredential(rotationId: string, token: string): Promise<void> {
    const { log, credentials } = this.#parts;
    try {
      await credentials.store(token);
      this.#link.tell({ type: 'credential_stored', rotation_id: rotationId });
      log.info({ rotation_id: rotationId }, 'Credential rotated');
    } catch (error) {
      // not stored, so not acknowledged: the old credential stays valid [AUTH5]
      log.error({ err: error, rotation_id: rotationId }, 'Credential could not be stored');
    }
  }
}

/** The message as a hub of version 2 knows it: that hub would refuse the new field, and an unknown error code [VER2]. */
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
