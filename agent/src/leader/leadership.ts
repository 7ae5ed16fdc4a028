import { type Clock, Outage, parseIso, pause } from 'clock-port';
import type { Elector, ElectorEvents, Leading } from 'lease-elector';
import type { Logger } from 'pino';
import type { AgentMetrics } from '../health/metrics.ts';
import { replicaOf } from './replica-lock.ts';

export interface LeadershipOptions {
  readonly elector: Elector;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: AgentMetrics;
  /** Milliseconds before an ended elector runs again. */
  readonly restartDelay: number;
  /** Milliseconds without a sign of life after which the elector counts as dead. */
  readonly stallLimit: number;
  /** Acts as the leader until the signal aborts, then stops and resolves. */
  serve(leading: Leading, elected: ElectorEvents['elected']): Promise<void>;
}

/** Runs the elector for the agent's whole life, and serves whenever it leads: after a loss it always takes part again (failure 9). */
export class LeadershipLoop {
  readonly #options: LeadershipOptions;
  #running = false;
  /** The current time of service, and those before it. */
  #serving: Promise<void> = Promise.resolve();

  constructor(options: LeadershipOptions) {
    this.#options = options;
  }

  /** Whether the elector runs and keeps trying. When this is false, the failing probe gets the process restarted. */
  get alive(): boolean {
    if (!this.#running) return false;
    const { nextAttemptAt } = this.#options.elector.status();
    return (
      nextAttemptAt === undefined || this.#options.clock.now() - parseIso(nextAttemptAt) < this.#options.stallLimit
    );
  }

  async run(signal: AbortSignal): Promise<void> {
    const { elector, clock, log, restartDelay } = this.#options;
    const subscriptions = this.#observe();
    const ended = new Outage(clock, log, 'Elector ended; running it again');
    try {
      while (!signal.aborted) {
        this.#running = true;
        try {
          await elector.run(signal);
          if (!signal.aborted) ended.failed({});
        } catch (error) {
          ended.failed({ err: error });
        } finally {
          this.#running = false;
        }
        await pause(clock, restartDelay, signal);
      }
      await this.#serving;
    } finally {
      for (const unsubscribe of subscriptions) unsubscribe();
      ended.stop();
    }
  }

  #observe(): (() => void)[] {
    const { elector, clock, log, metrics } = this.#options;
    const lock = new Outage(clock, log, 'Lock failed; going on');
    return [
      elector.on('elected', (event) => {
        const leading = elector.leading;
        if (leading === undefined) return;
        log.info({ ...event }, 'Elected');
        metrics.isLeader.set(1);
        metrics.term.set(event.term);
        metrics.transitions.inc({ to: 'leader' });
        metrics.electionDuration.set(event.electionMs / 1000);
        // the previous service may still be ending its operations
        this.#serving = this.#serving
          .then(() => (leading.signal.aborted ? undefined : this.#options.serve(leading, event)))
          .catch((error: unknown) => {
            log.error({ err: error }, 'Service failed; giving the lead to another replica');
            elector.yield('service failed');
          });
      }),
      elector.on('lost', (event) => {
        log.warn({ ...event }, 'Lost the lead');
        metrics.isLeader.set(0);
        metrics.transitions.inc({ to: 'standby' });
        metrics.lastLoss.set({ reason: event.reason }, clock.now() / 1000);
      }),
      elector.on('raised', ({ term, previousTerm }) => {
        log.info({ term, previous_term: previousTerm }, 'Term raised');
        metrics.term.set(term);
      }),
      elector.on('renewed', ({ latencyMs }) => metrics.renewLatency.observe(latencyMs / 1000)),
      elector.on('observed', ({ holder, term }) => {
        log.info({ leader: replicaOf(holder), term }, 'Leader observed');
        metrics.term.set(term);
      }),
      elector.on('error', ({ during, error }) => lock.failed({ during, err: error })),
      () => lock.stop(),
    ];
  }
}
