import {
  type AgentMessage,
  type AgentMessageOf,
  type HubMessage,
  type LinkEnd,
  Pulse,
  StreamSpaceError,
} from '@streamspace/protocol';
import type { Clock, Timer } from 'clock-port';

/** Content of a heartbeat besides its number. */
export type Heartbeat = Omit<AgentMessageOf<'heartbeat'>, 'type' | 'seq'>;

/** Silent heartbeat intervals after which the link is over [WIRE5]. */
const MISSED_BEATS = 3;

/** The heartbeats of one link, and its end when the hub answers none [WIRE5] or is silent for two of its ping intervals [WIRE6]. */
export class Heartbeats {
  readonly #link: LinkEnd<AgentMessage, HubMessage>;
  readonly #clock: Clock;
  /** Milliseconds. */
  readonly #interval: number;
  readonly #content: () => Heartbeat;
  readonly #answers: Pulse;
  #timers: (Timer | undefined)[] = [];
  #seq = 0;

  /** `interval`: between heartbeats; `pingMs`: the hub's longest between its pings. Milliseconds. */
  constructor(
    link: LinkEnd<AgentMessage, HubMessage>,
    clock: Clock,
    { interval, pingMs }: { interval: number; pingMs: number },
    content: () => Heartbeat,
  ) {
    this.#link = link;
    this.#clock = clock;
    this.#interval = interval;
    this.#content = content;
    this.#answers = new Pulse(clock);
    this.#every(interval, 0, () => {
      this.beat();
      link.ping();
    });
    this.#every(Math.min(interval, pingMs) / 4, 1, () => this.#look(pingMs));
  }

  /** Sends a heartbeat now; the following ones keep their times. */
  beat(): void {
    if (this.#link.open) this.#link.tell({ type: 'heartbeat', seq: this.#seq++, ...this.#content() });
  }

  /** Whether `seq` answers a heartbeat that was sent; an answer to another one is no sign of life. */
  answered(seq: number): boolean {
    if (seq >= this.#seq) return false;
    this.#answers.heard();
    return true;
  }

  stop(): void {
    for (const timer of this.#timers) timer?.cancel();
  }

  #look(pingMs: number): void {
    const unanswered = MISSED_BEATS * this.#interval;
    if (this.#answers.isLost(unanswered)) this.#lost(`The hub answered no heartbeat for ${unanswered} ms`);
    else if (this.#link.pulse.isLost(2 * pingMs))
      this.#lost(`The hub said nothing for ${Math.round(this.#link.pulse.silentMs)} ms`);
  }

  #lost(why: string): void {
    this.#link.cut(new StreamSpaceError('heartbeat_lost', why));
  }

  #every(ms: number, slot: 0 | 1, work: () => void): void {
    if (!this.#link.open) return;
    this.#timers[slot] = this.#clock.setTimeout(() => {
      work();
      this.#every(ms, slot, work);
    }, ms);
  }
}
