import { type Clock, iso, withDeadline } from 'clock-port';
import type { ReplicaStatus } from '@streamspace/protocol';
import type { Logger } from 'pino';

/** A replica that takes part in the election, as known to the lock. */
export interface Participant {
  readonly name: string;
  /** RFC 3339. */
  readonly since: string;
}

const TIMEOUT = 2_000;
/** Most replicas in one heartbeat. */
const MOST = 64;

/** The replicas of this agent: this one leads, the others in the lock stand by. */
export class Replicas {
  readonly #self: Participant;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #ask: ((signal: AbortSignal) => Promise<Participant[]>) | undefined;
  #known: ReplicaStatus[];
  #asking = false;

  /** `ask`: the lock's participants; undefined where HA is off. */
  constructor(name: string, clock: Clock, log: Logger, ask?: (signal: AbortSignal) => Promise<Participant[]>) {
    this.#self = { name, since: iso(clock.now()) };
    this.#clock = clock;
    this.#log = log;
    this.#ask = ask;
    this.#known = [{ ...this.#self, role: 'leader' }];
  }

  /** As of the last refresh. */
  get known(): ReplicaStatus[] {
    return this.#known;
  }

  /** Reads the lock again; returns whether anything changed. Never rejects: a lock that does not answer changes nothing. */
  async refresh(signal: AbortSignal): Promise<boolean> {
    if (this.#ask === undefined || this.#asking) return false;
    this.#asking = true;
    try {
      const participants = await withDeadline(this.#clock, TIMEOUT, 'replicas', signal, this.#ask);
      const own = participants.find(({ name }) => name === this.#self.name) ?? this.#self;
      const others = participants.filter(({ name }) => name !== own.name).slice(0, MOST - 1);
      const next: ReplicaStatus[] = [
        { ...own, role: 'leader' },
        ...others.map((participant) => ({ ...participant, role: 'standby' as const })),
      ];
      const changed = JSON.stringify(next) !== JSON.stringify(this.#known);
      this.#known = next;
      return changed;
    } catch (error) {
      if (!signal.aborted) this.#log.debug({ err: error }, 'Replicas could not be listed');
      return false;
    } finally {
      this.#asking = false;
    }
  }
}
