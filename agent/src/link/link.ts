import type { Clock, Timer } from 'clock-port';
import {
  agentCodec,
  type AgentMessage,
  type AgentMessageOf,
  asStreamSpaceError,
  errorOfClose,
  hubCodec,
  type HubMessage,
  type HubMessageOf,
  LinkEnd,
  Pulse,
  StreamSpaceError,
} from '@streamspace/protocol';
import type { WebSocket } from 'ws';

/** Content of a heartbeat besides its number. */
export type Heartbeat = Omit<AgentMessageOf<'heartbeat'>, 'type' | 'seq'>;

/** The listener of a link. Its methods run in the read loop: they return at once and do not throw. */
export interface LinkListener {
  onMessage(message: HubMessage): void;
  /** Called when a heartbeat is due. */
  beat(): Heartbeat;
  /** Called when the hub answered a heartbeat. */
  onBeatAnswered(): void;
}

/** Silent heartbeat intervals after which the link is over [WIRE5]. */
const MISSED_BEATS = 3;

/** The agent's end of a link: one welcomed connection to a hub, its heartbeats, and the hub's signs of life. */
export class Link extends LinkEnd<AgentMessage, HubMessage> {
  readonly welcome: HubMessageOf<'welcome'>;
  readonly #clock: Clock;
  readonly #interval: number;
  /** The hub's answers to heartbeats. */
  readonly #answers: Pulse;
  #listener: LinkListener | undefined;
  /** Messages that came between the welcome and {@link run}. */
  #early: HubMessage[] = [];
  #timers: (Timer | undefined)[] = [];
  #seq = 0;

  /** `ws`: open, and past its `welcome`. `heartbeatInterval`: this end's own longest interval, milliseconds. */
  constructor(ws: WebSocket, welcome: HubMessageOf<'welcome'>, clock: Clock, heartbeatInterval: number) {
    const bounds = { maxUnsent: 8 * 1024 * 1024, closeMs: 1_000 };
    super({ socket: ws, clock, writes: agentCodec, reads: hubCodec, otherEnd: 'the hub', ...bounds });
    this.welcome = welcome;
    this.#clock = clock;
    this.#interval = Math.min(welcome.heartbeat_ms, heartbeatInterval);
    this.#answers = new Pulse(clock);
    ws.on('ping', () => this.pulse.heard());
  }

  /** Starts to listen and to send heartbeats. */
  run(listener: LinkListener): void {
    this.#listener = listener;
    for (const message of this.#early.splice(0)) if (this.open) this.onMessage(message);
    this.#every(this.#interval, 0, () => {
      this.beat();
      this.ping();
    });
    const { ping_ms: pingMs = Number.POSITIVE_INFINITY } = this.welcome;
    this.#every(Math.min(this.#interval, pingMs) / 4, 1, () => this.#look(pingMs));
  }

  /** Sends a heartbeat now; the following ones keep their times. */
  beat(): void {
    if (this.open && this.#listener !== undefined)
      this.tell({ type: 'heartbeat', seq: this.#seq++, ...this.#listener.beat() });
  }

  protected override onMessage(message: HubMessage): void {
    if (this.#listener === undefined) return void this.#early.push(message);
    if (message.type !== 'heartbeat_ack') return this.#listener.onMessage(message);
    // an answer to a heartbeat that was never sent is no sign of life
    if (message.seq >= this.#seq) return;
    this.#answers.heard();
    this.#listener.onBeatAnswered();
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
    for (const timer of this.#timers) timer?.cancel();
    this.#early = [];
    super.onEnd(error);
  }

  /** Ends a link whose hub answers no heartbeat [WIRE5], or sends nothing for two of its ping intervals [WIRE6]. */
  #look(pingMs: number): void {
    const unanswered = MISSED_BEATS * this.#interval;
    if (this.#answers.isLost(unanswered))
      this.cut(new StreamSpaceError('heartbeat_lost', `The hub answered no heartbeat for ${unanswered} ms`));
    else if (this.pulse.isLost(2 * pingMs))
      this.cut(
        new StreamSpaceError('heartbeat_lost', `The hub said nothing for ${Math.round(this.pulse.silentMs)} ms`),
      );
  }

  #every(ms: number, slot: 0 | 1, work: () => void): void {
    if (!this.open) return;
    this.#timers[slot] = this.#clock.setTimeout(() => {
      work();
      this.#every(ms, slot, work);
    }, ms);
  }
}
