import {
  agentCodec,
  type AgentMessage,
  type AgentMessageOf,
  asStreamSpaceError,
  type HubMessage,
  hubCodec,
  PROTOCOL_VERSIONS,
  type ProtocolVersion,
  StreamSpaceError,
} from '@streamspace/protocol';
import type { Clock } from 'clock-port';
import type { FastifyBaseLogger } from 'fastify';
import type { RawData, WebSocket } from 'ws';
import type { LinkMetrics } from './metrics.ts';
import { LinkStreams, type StreamLink } from '../../tunnel/streams.ts';
import type { Allowance } from './allowance.ts';
import { closeReason } from './close-reason.ts';
import { WorkQueue } from '../../flow/work-queue.ts';

/** Bytes that may wait for an agent that doesn't read: more is a link that is stuck. */
const MAX_BUFFERED = 16 * 1024 * 1024;
/** Milliseconds between our close and the end of the socket, for a peer that doesn't answer the close. */
const CLOSE_MS = 2_000;
const BINARY = { binary: true, compress: false };
const TEXT = { binary: false, compress: false };

export interface LinkOwner {
  /** One message that matches its schema; `bytes` is its size. Called from the read loop: must neither wait nor throw. */
  message: (link: AgentLink, message: AgentMessage, bytes: number) => void;
  /** Called once: nothing is read or sent from now on. */
  closed: (link: AgentLink, error: StreamSpaceError) => void;
}

/**
 * One WebSocket of one agent, from its upgrade to its end. It is open or closed and nothing between [WIRE5]: a failed write, a
 * broken frame, a peer that doesn't read all end the whole of it.
 */
export class AgentLink implements StreamLink {
  readonly agentId: string;
  readonly connectionId: string;
  readonly streams: LinkStreams;
  readonly work: WorkQueue;
  /** Set by the handshake. Binary frames before it are refused. */
  welcomed = false;
  version: ProtocolVersion = PROTOCOL_VERSIONS[0];
  term = 0;
  replica = '';
  /** When it was welcomed, RFC 3339. */
  since = '';
  hello: AgentMessageOf<'hello'> | undefined;
  /** SHA-256 (hex) of the credential that it has now. */
  credentialHash: string | undefined;
  /** Monotonic milliseconds of the last look that found it valid. */
  credentialChecked: number;
  /** Monotonic milliseconds of the last message. Pongs don't count: a mute agent must not look alive. */
  lastHeard: number;
  lastPinged: number;
  /** How often it is pinged at least, milliseconds: what its welcome promised. */
  pingMs = Number.POSITIVE_INFINITY;

  readonly #ws: WebSocket;
  readonly #clock: Clock;
  readonly #log: FastifyBaseLogger;
  readonly #metrics: LinkMetrics;
  readonly #closing = new AbortController();
  readonly #allowance: Allowance;
  #owner: LinkOwner;

  constructor(
    ws: WebSocket,
    about: { agentId: string; connectionId: string },
    deps: { clock: Clock; log: FastifyBaseLogger; metrics: LinkMetrics; allowance: Allowance },
    owner: LinkOwner,
  ) {
    this.agentId = about.agentId;
    this.connectionId = about.connectionId;
    this.#ws = ws;
    this.#clock = deps.clock;
    this.#log = deps.log;
    this.#metrics = deps.metrics;
    this.#allowance = deps.allowance;
    this.#owner = owner;
    this.lastHeard = this.lastPinged = this.credentialChecked = deps.clock.monotonic();
    this.streams = new LinkStreams(this, deps.clock);
    this.work = new WorkQueue({ pieces: 1024, bytes: 16 * 1024 * 1024 }, (error) => this.#workFailed(error));
    ws.on('message', (data, isBinary) => this.#received(data as Buffer, isBinary));
    // ws ends the socket itself after an error of the wire (a frame too large, broken UTF-8, a reset), with the right close code
    ws.on('error', (error) => this.#broken(error));
    ws.on('close', (code) =>
      this.#gone(new StreamSpaceError('agent_offline', `the agent closed the connection (${code})`)),
    );
  }

  get open(): boolean {
    return !this.#closing.signal.aborted;
  }

  /** Aborts when the link closes. */
  get signal(): AbortSignal {
    return this.#closing.signal;
  }

  get buffered(): number {
    return this.#ws.bufferedAmount;
  }

  /** Who is told from now on: the handshake, then the gateway. */
  set owner(owner: LinkOwner) {
    this.#owner = owner;
  }

  tell(message: HubMessage): boolean {
    if (!this.open) return false;
    let text: string;
    try {
      text = hubCodec.encode(message);
    } catch (error) {
      // our own mistake, and no reason to take the agent's screens away
      this.#log.error(
        { err: error, agent: this.agentId, message: message.type },
        'Control message not sent: it does not match its schema',
      );
      return false;
    }
    if (this.#ws.bufferedAmount > MAX_BUFFERED) {
      this.terminate(new StreamSpaceError('heartbeat_lost', 'the agent does not read'));
      return false;
    }
    this.#ws.send(text, TEXT, this.#written);
    return true;
  }

  send(frame: Buffer, flushed?: () => void): void {
    this.#metrics.bytesToAgents += frame.length;
    this.#ws.send(
      frame,
      BINARY,
      flushed === undefined
        ? this.#written
        : (error) => {
            flushed();
            this.#written(error);
          },
    );
  }

  ping(): void {
    this.lastPinged = this.#clock.monotonic();
    if (this.open) this.#ws.ping(undefined, undefined, this.#written);
  }

  /** Whether the other end answers a ping within `ms`. */
  probe(ms: number): Promise<boolean> {
    if (!this.open) return Promise.resolve(false);
    return new Promise((resolve) => {
      const done = (answer: boolean) => {
        timer.cancel();
        this.#ws.off('pong', onPong);
        this.signal.removeEventListener('abort', onClose);
        resolve(answer);
      };
      const onPong = () => done(true);
      const onClose = () => done(false);
      const timer = this.#clock.setTimeout(onClose, ms);
      this.#ws.on('pong', onPong);
      this.signal.addEventListener('abort', onClose);
      this.ping();
    });
  }

  /** Queues work on the store behind what this link has asked before (with a lane: of that lane, or of none); a link that asks for too much is ended. */
  queue(bytes: number, task: () => Promise<void>, lane?: string): void {
    if (this.open && !this.work.push(bytes, task, lane)) {
      this.end(
        new StreamSpaceError('rate_limited', 'the agent sends faster than the hub can store; connect again later'),
      );
    }
  }

  /** Says why and closes. */
  end(error: StreamSpaceError, code: number = error.close): void {
    if (!this.open) return;
    const timer = this.#clock.setTimeout(() => this.#ws.terminate(), CLOSE_MS);
    this.#ws.once('close', () => timer.cancel());
    this.#ws.close(code, closeReason(error.message));
    this.#gone(error);
  }

  /** Closes without a word: for a socket that doesn't take any. */
  terminate(error: StreamSpaceError): void {
    this.#gone(error);
    this.#ws.terminate();
  }

  readonly #written = (error?: Error | null): void => {
    if (error) this.#broken(error);
  };

  #broken(error: Error): void {
    if (!this.open) return;
    this.#log.info({ err: error, agent: this.agentId, connection: this.connectionId }, 'Agent connection broken');
    const known = (error as { code?: unknown }).code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH';
    const reason = known
      ? new StreamSpaceError('message_too_large', error.message)
      : new StreamSpaceError('agent_offline', `the connection broke: ${error.message}`);
    const timer = this.#clock.setTimeout(() => this.#ws.terminate(), CLOSE_MS);
    this.#ws.once('close', () => timer.cancel());
    this.#gone(reason);
    // a write that failed leaves a socket that may still read: nothing stays half alive
    if (!known && !('code' in error && String(error.code).startsWith('WS_ERR'))) this.#ws.terminate();
  }

  #received(data: RawData & Buffer, isBinary: boolean): void {
    if (!this.open) return;
    this.lastHeard = this.#clock.monotonic();
    try {
      if (isBinary) {
        if (!this.welcomed) throw new StreamSpaceError('malformed_frame', 'a binary frame before the welcome');
        this.#metrics.bytesFromAgents += data.length;
        this.streams.receive(data);
      } else {
        this.#allowance.take(data.length);
        this.#owner.message(this, agentCodec.decode(data.toString('utf8')), data.length);
      }
    } catch (error) {
      this.end(asStreamSpaceError(error));
    }
  }

  #workFailed(error: unknown): void {
    if (!this.open) return;
    this.#log.warn(
      { err: error, agent: this.agentId, connection: this.connectionId },
      'Storing what an agent said failed',
    );
    // The agent comes again and says again what was not stored: better than an answer that is lost.
    this.end(asStreamSpaceError(error));
  }

  #gone(error: StreamSpaceError): void {
    if (!this.open) return;
    this.#closing.abort(error);
    this.streams.destroy(
      new StreamSpaceError('agent_offline', `the agent's connection ended (${error.message}); connect again`),
    );
    this.#owner.closed(this, error);
  }
}
