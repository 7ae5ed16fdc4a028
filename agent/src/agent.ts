import { join } from 'node:path';
import { type Clock, scope, whenAborted } from 'clock-port';
import type { Election } from '@streamspace/protocol';
import type { Elector, ElectorEvents, ElectorOptions, Leading } from 'lease-elector';
import type { Logger } from 'pino';
import type { AgentConfig } from './config.ts';
import { AgentMetrics } from './health/metrics.ts';
import { type AgentView, metricsRoutes, probeRoutes } from './health/probes.ts';
import { ProbeServer } from './health/server.ts';
import { HubSight } from './leader/hub-sight.ts';
import { LeadershipLoop } from './leader/leadership.ts';
import { replicaOf } from './leader/replica-lock.ts';
import { TermOfOffice } from './leader/term-of-office.ts';
import { Credentials } from './link/credential.ts';
import { enrolAhead } from './link/enrol-ahead.ts';
import { Dialer } from './link/dialer.ts';
import { HubContact } from './link/hub-contact.ts';
import { Replicas } from './leader/replicas.ts';
import type { SessionDriver } from './sessions/driver.ts';

type ElectorHooks = Required<Pick<ElectorOptions, 'onStop' | 'hesitationMs'>>;

export interface AgentDeps {
  readonly config: AgentConfig;
  readonly clock: Clock;
  readonly log: Logger;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly driver: SessionDriver;
  /** Version of this program, for the hub. */
  readonly build: string;
  /** PEM of the CAs that may sign the control plane; undefined: the system's. */
  readonly ca?: string | undefined;
  /** Needed with ENABLE_HA: makes the elector with these options besides its own. */
  readonly elector?: ((hooks: ElectorHooks) => Elector) | undefined;
}

/** One replica of an agent. */
export interface AgentReplica {
  /** Until the signal aborts; then stops gracefully (I7) and resolves. Rejects when a port can't be had. Losing the lead ends nothing. */
  run(signal: AbortSignal): Promise<void>;
  /** What the probes tell, as of now. */
  view(): AgentView;
  /** Where the servers listen; 0 before they do, and for metrics that are off. */
  readonly ports: { readonly health: number; readonly metrics: number };
}

export function createAgent(deps: AgentDeps): AgentReplica {
  return new LiveReplica(deps);
}

class LiveReplica implements AgentReplica {
  readonly ports = { health: 0, metrics: 0 };
  readonly #deps: AgentDeps;
  readonly #startedAt: number;
  readonly #metrics: AgentMetrics;
  readonly #dialer: Dialer;
  readonly #credentials: Credentials;
  readonly #sight: HubSight;
  readonly #contact: HubContact;
  readonly #elector: Elector | undefined;
  readonly #loop: LeadershipLoop | undefined;
  #office: TermOfOffice | undefined;

  constructor(deps: AgentDeps) {
    const { config, clock, log } = deps;
    this.#deps = deps;
    this.#startedAt = clock.monotonic();
    this.#metrics = new AgentMetrics(() => this.#uptime);
    this.#dialer = new Dialer({ ...config, ca: deps.ca }, clock);
    this.#sight = new HubSight({
      clock,
      log,
      random: deps.random,
      probe: (signal) => this.#dialer.reachable(signal),
      leads: () => this.#elector?.leading !== undefined,
      yield: (reason) => this.#elector?.yield(reason, config.leaseDuration * 2),
    });
    this.#contact = new HubContact(clock, this.#metrics, this.#sight);
    this.#credentials = new Credentials({
      file: join(config.stateDir, 'agents', config.agentId, 'credential'),
      token: config.agentToken,
      tokenFile: config.agentTokenFile,
      log,
      enrol: (token, standby, signal) => this.#dialer.enrol(token, standby, signal),
    });
    this.#elector = config.enableHa
      ? deps.elector?.({
          onStop: () => this.#office?.finish() ?? Promise.resolve(),
          hesitationMs: () => (this.#sight.reachable ? 0 : config.leaseDuration),
        })
      : undefined;
    if (config.enableHa && this.#elector === undefined) throw new Error('ENABLE_HA needs an elector');
    this.#loop =
      this.#elector &&
      new LeadershipLoop({
        elector: this.#elector,
        clock,
        log,
        metrics: this.#metrics,
        restartDelay: config.leaseRetryPeriod,
        stallLimit: config.leaseDuration * 5,
        serve: (leading, elected) => this.#serve(leading, elected),
      });
  }

  async run(signal: AbortSignal): Promise<void> {
    const { config, log } = this.#deps;
    const health = new ProbeServer(probeRoutes(() => this.view()));
    const metrics = new ProbeServer(metricsRoutes(this.#metrics));
    try {
      this.ports.health = await health.listen(config.healthPort, config.listenHost, 'HEALTH_PORT');
      if (config.metricsEnabled)
        this.ports.metrics = await metrics.listen(config.metricsPort, config.listenHost, 'METRICS_PORT');
      log.info(
        { health_port: this.ports.health, metrics_port: this.ports.metrics, ha: config.enableHa },
        'Agent started',
      );
      await (this.#loop === undefined
        ? this.#runAlone(signal)
        : Promise.all([this.#loop.run(signal), this.#sight.run(signal), this.#beReady(signal)]));
      log.info('Agent stopped');
    } finally {
      await Promise.all([health.close(), metrics.close()]);
    }
  }

  #beReady(signal: AbortSignal): Promise<void> {
    const { clock, log, random } = this.#deps;
    const leads = () => this.#elector?.leading !== undefined;
    return enrolAhead({ credentials: this.#credentials, clock, log, random, leads }, signal);
  }

  /** HA is off: this replica acts as long as it lives, and the hub gives the term. */
  async #runAlone(signal: AbortSignal): Promise<void> {
    const stop = scope();
    this.#metrics.isLeader.set(1);
    const serving = this.#serve({ term: 0, signal: stop.signal }, undefined);
    const finish = () => void this.#office!.finish().finally(() => stop.end(new Error('the agent stops')));
    const forget = whenAborted(signal, finish);
    try {
      await serving;
    } finally {
      forget();
    }
  }

  async #serve(leading: Leading, elected: ElectorEvents['elected'] | undefined): Promise<void> {
    const { config, clock, log } = this.#deps;
    const elector = this.#elector;
    if (elected !== undefined) this.#contact.elected(elected.electionMs);
    const office = new TermOfOffice({
      ...this.#deps,
      dialer: this.#dialer,
      credentials: this.#credentials,
      metrics: this.#metrics,
      replicas: new Replicas(
        config.podName,
        clock,
        log,
        elector &&
          (async (signal) =>
            (await elector.candidates(signal)).map((candidate) => ({
              name: replicaOf(candidate.identity),
              since: candidate.since,
            }))),
      ),
      leading,
      elector,
      contact: this.#contact,
      election: elected && electionOf(elected),
    });
    this.#office = office;
    this.#sight.elected();
    try {
      await office.run(leading.signal);
    } finally {
      this.#office = undefined;
    }
  }

  get #uptime(): number {
    return (this.#deps.clock.monotonic() - this.#startedAt) / 1000;
  }

  view(): AgentView {
    const { config } = this.#deps;
    const elector = this.#elector;
    return {
      agentId: config.agentId,
      uptime: this.#uptime,
      role: elector === undefined || elector.leading !== undefined ? 'leader' : 'standby',
      electing: this.#loop?.alive ?? true,
      connected: this.#contact.link !== undefined,
      isolation: this.#deps.driver.isolation ?? null,
      lastHeartbeat: this.#contact.lastHeartbeat ?? null,
      leader: elector === undefined ? config.podName : replicaOf(elector.status().holder),
      election: elector?.status(),
      term: elector?.status().term ?? this.#contact.link?.welcome.term ?? 0,
    };
  }
}

function electionOf({ term, reason, previousHolder, electedAt, electionMs }: ElectorEvents['elected']): Election {
  return { term, reason, previous_holder: replicaOf(previousHolder), elected_at: electedAt, election_ms: electionMs };
}
