import { type Clock, iso } from 'clock-port';
import type { AgentMetrics } from '../health/metrics.ts';
import type { Link } from './link.ts';

/** Whether this replica has a link to the hub: for probes, metrics and senders. */
export class HubContact {
  readonly #clock: Clock;
  readonly #metrics: AgentMetrics;
  readonly #sight: { connected: boolean };
  #link: Link | undefined;
  #lastHeartbeat: number | undefined;
  /** Monotonic milliseconds of the fault that led to this replica's election; set until a hub accepts it. */
  #failingOverSince: number | undefined;

  /** `sight`: hears whether the link is up. */
  constructor(clock: Clock, metrics: AgentMetrics, sight: { connected: boolean }) {
    this.#clock = clock;
    this.#metrics = metrics;
    this.#sight = sight;
  }

  /** The open link, or undefined. */
  get link(): Link | undefined {
    return this.#link?.open === true ? this.#link : undefined;
  }

  /** Time of the hub's last answer to a heartbeat, RFC 3339. */
  get lastHeartbeat(): string | undefined {
    return this.#lastHeartbeat === undefined ? undefined : iso(this.#lastHeartbeat);
  }

  /** This replica was elected, `electionMs` after the lease became free. */
  elected(electionMs: number): void {
    this.#failingOverSince = this.#clock.monotonic() - electionMs;
  }

  /** Called when a hub accepted the agent. */
  up(link: Link): void {
    this.#link = link;
    this.#sight.connected = true;
    this.#metrics.connected.set(1);
    this.#metrics.term.set(link.welcome.term);
    if (this.#failingOverSince === undefined) return;
    this.#metrics.failoverDuration.set((this.#clock.monotonic() - this.#failingOverSince) / 1000);
    this.#failingOverSince = undefined;
  }

  down(): void {
    this.#link = undefined;
    this.#sight.connected = false;
    this.#metrics.connected.set(0);
  }

  /** Called when the hub answered a heartbeat. */
  heard(): void {
    this.#lastHeartbeat = this.#clock.now();
    this.#metrics.heartbeat.set(this.#lastHeartbeat / 1000);
  }
}
