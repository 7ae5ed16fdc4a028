import type { Clock } from 'clock-port';
import {
  agentCodec,
  type AgentMessage,
  asStreamSpaceError,
  errorOfClose,
  hubCodec,
  type HubMessage,
  type HubMessageOf,
  LinkEnd,
  StreamSpaceError,
} from '@streamspace/protocol';
import type { WebSocket } from 'ws';
import { type Heartbeat, Heartbeats } from './heartbeats.ts';

/** The listener of a link. Its methods run in the read loop: they return at once and do not throw. */
export interface LinkListener {
  onMessage(message: HubMessage): void;
  /** Called when a heartbeat is due. */
  beat(): Heartbeat;
  /** Called when the hub answered a heartbeat. */
  onBeatAnswered(): void;
}

/** The agent's end of a link: one welcomed connection to a hub. */
export class Link extends LinkEnd<AgentMessage, HubMessage> {
  readonly welcome: HubMessageOf<'welcome'>;
  readonly #clock: Clock;
  readonly #interval: number;
  #listener: LinkListener | undefined;
  /** Messages that came between the welcome and {@link run}. */
  #early: HubMessage[] = [];
  #heartbeats: Heartbeats | undefined;

  /** `ws`: open, and past its `welcome`. `heartbeatInterval`: this end's own longest interval, milliseconds. */
  constructor(ws: WebSocket, welcome: HubMessageOf<'welcome'>, clock: Clock, heartbeatInterval: number) {
    const bounds = { maxUnsent: 8 * 1024 * 1024, closeMs: 1_000 };
    super({ socket: ws, clock, writes: agentCodec, reads: hubCodec, otherEnd: 'the hub', ...bounds });
    this.welcome = welcome;
    this.#clock = clock;
    this.#interval = Math.min(welcome.heartbeat_ms, heartbeatInterval);
    ws.on('ping', () => this.pulse.heard());
  }

  /** Starts to listen and to send heartbeats. */
  run(listener: LinkListener): void {
    this.#listener = listener;
    const times = { interval: this.#interval, pingMs: this.welcome.ping_ms ?? Number.POSITIVE_INFINITY };
    this.#heartbeats = new Heartbeats(this, this.#clock, times, () => listener.beat());
    for (const message of this.#early.splice(0)) if (this.open) this.onMessage(message);
  }

  /** Sends a heartbeat now; the following ones keep their times. */
  beat(): void {
    this.#heartbeats?.beat();
  }

  protected override onMessage(message: HubMessage): void {
    if (this.#listener === undefined) return void this.#early.push(message);
    if (message.type !== 'heartbeat_ack') return this.#listener.onMessage(message);
    if (this.#heartbeats?.answered(message.seq) === true) this.#listener.onBeatAnswered();
  }

  protected override onUnsendable(_message: AgentMessage, error: StreamSpaceError): void {
    this.end(error, 1011);
  }

  protected override closedWith(code: number, reason: string): StreamSpaceError {
    const text = reason === '' ? '' : `: ${reason}`;
    return new StreamSpaceError(
      errorOfClose(code) ?? 'heartbeat_lost',
      `The hub closed the connection (${code}${text})`,
    );
  }

  protected override brokenBy(error: Error): StreamSpaceError {
    return asStreamSpaceError(error);
  }

  protected override onEnd(error: StreamSpaceError): void {
    this.#heartbeats?.stop();
    this.#early = [];
    super.onEnd(error);
  }
}
