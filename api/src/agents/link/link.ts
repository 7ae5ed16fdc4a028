import {
  agentCodec,
  type AgentMessage,
  type AgentMessageOf,
  hubCodec,
  type HubMessage,
  LinkEnd,
  PROTOCOL_VERSIONS,
  type ProtocolVersion,
  asStreamSpaceError,
  StreamSpaceError,
} from '@streamspace/protocol';
import type { Clock } from 'clock-port';
import type { FastifyBaseLogger } from 'fastify';
import type { WebSocket } from 'ws';
import { WorkQueue } from '../../flow/work-queue.ts';
import { LinkStreams } from '../../tunnel/streams.ts';
import type { Allowance } from './allowance.ts';
import type { LinkMetrics } from './metrics.ts';

export interface LinkOwner {
  /** One message that matches its schema; `bytes` is its size. Called from the read loop: must neither wait nor throw. */
  message: (link: AgentLink, message: AgentMessage, bytes: number) => void;
  /** Called once: nothing is read or sent from now on. */
  closed: (link: AgentLink, error: StreamSpaceError) => void;
}

interface LinkParts {
  readonly clock: Clock;
  readonly log: FastifyBaseLogger;
  readonly metrics: LinkMetrics;
  readonly allowance: Allowance;
}

/** The hub's end of a link: one WebSocket of one agent, from its upgrade to its end. */
export class AgentLink extends LinkEnd<HubMessage, AgentMessage> {
  readonly agentId: string;
  readonly connectionId: string;
  readonly streams: LinkStreams;
  readonly work: WorkQueue;
  /** Set by the handshake. Binary frames before it are refused. */
  welcomed = false;
  version: ProtocolVersion = PROTOCOL_VERSIONS[0];
  term = 0;
  replica = '';
  /** Time of the welcome, RFC 3339. */
  since = '';
  hello: AgentMessageOf<'hello'> | undefined;
  /** SHA-256 (hex) of the agent's current credential. */
  credentialHash: string | undefined;
  /** Monotonic milliseconds of the last check that found it valid. */
  credentialChecked: number;
  /** Longest time between pings, milliseconds, as promised in the welcome. */
  pingMs = Number.POSITIVE_INFINITY;
  /** Receives the link's events from now on: first the handshake, then the gateway. */
  owner: LinkOwner;
  readonly #parts: LinkParts;

  constructor(
    ws: WebSocket,
    { agentId, connectionId }: { agentId: string; connectionId: string },
    parts: LinkParts,
    owner: LinkOwner,
  ) {
    const bounds = { maxUnsent: 16 * 1024 * 1024, closeMs: 2_000 };
    super({ socket: ws, clock: parts.clock, writes: hubCodec, reads: agentCodec, otherEnd: 'the agent', ...bounds });
    this.agentId = agentId;
    this.connectionId = connectionId;
    this.#parts = parts;
    this.owner = owner;
    this.credentialChecked = parts.clock.monotonic();
    this.streams = new LinkStreams(this, parts.clock);
    this.work = new WorkQueue({ pieces: 1024, bytes: 16 * 1024 * 1024 }, (error) => this.#workFailed(error));
  }

  override send(frame: Buffer, flushed?: () => void): void {
    this.#parts.metrics.bytesToAgents += frame.length;
    super.send(frame, flushed);
  }

  /**
   * Queues work on the store after the link's earlier work (with a lane: after that of the same lane, or of none); ends a link that queues too
   * much.
   */
  queue(bytes: number, task: () => Promise<void>, lane?: string): void {
    if (this.open && !this.work.push(bytes, task, lane)) {
      this.end(
        new StreamSpaceError('rate_limited', 'the agent sends faster than the hub can store; connect again later'),
      );
    }
  }

  protected override onText(text: Buffer): void {
    this.#parts.allowance.take(text.length);
    super.onText(text);
  }

  protected override onMessage(message: AgentMessage, bytes: number): void {
    this.owner.message(this, message, bytes);
  }

  protected override onFrame(frame: Buffer): void {
    if (!this.welcomed) throw new StreamSpaceError('malformed_frame', 'a binary frame before the welcome');
    this.#parts.metrics.bytesFromAgents += frame.length;
    this.mux.receive(frame);
  }

  protected override onUnsendable(message: HubMessage, error: StreamSpaceError): void {
    // a fault of the hub is no reason to end the agent's screens
    this.#parts.log.error(
      { err: error, agent: this.agentId, message: message.type },
      'Control message not sent: it does not match its schema',
    );
  }

  protected override closedWith(code: number): StreamSpaceError {
    return new StreamSpaceError('agent_offline', `the agent closed the connection (${code})`);
  }

  protected override brokenBy(error: Error): StreamSpaceError {
    return new StreamSpaceError('agent_offline', `the connection broke: ${error.message}`);
  }

  protected override onEnd(error: StreamSpaceError): void {
    super.onEnd(
      new StreamSpaceError('agent_offline', `the agent's connection ended (${error.message}); connect again`),
    );
    this.owner.closed(this, error);
  }

  #workFailed(error: unknown): void {
    if (!this.open) return;
    const about = { err: error, agent: this.agentId, connection: this.connectionId };
    this.#parts.log.warn(about, 'Message of an agent could not be stored');
    // The agent reconnects and repeats the message that was not stored: better than a lost answer.
    this.end(asStreamSpaceError(error));
  }
}
