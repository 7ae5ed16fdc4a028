import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** All metrics of `/metrics`; each name is emitted from the start, so that a dashboard never refers to a missing one (failure 16). */
export class AgentMetrics {
  readonly registry = new Registry();
  readonly sessions = this.#gauge('sessions_active', 'Starting and running sessions');
  readonly heartbeat = this.#gauge(
    'heartbeat_last_success_timestamp',
    'Time of the last answered heartbeat, in seconds since 1970',
  );
  readonly tunnels = this.#gauge('vnc_tunnels_active', 'Open screens of this agent');
  readonly connected = this.#gauge('control_plane_connected', '1 while the control plane accepts the connection');
  readonly isLeader = this.#gauge('is_leader', '1 while this replica leads (always 1 if HA is off)');
  readonly term = this.#gauge('leader_term', 'Term of the current leader, as known to this replica');
  readonly electionDuration = this.#gauge(
    'election_duration_seconds',
    'Last election won by this replica: time from the free lease to its acquisition',
  );
  readonly failoverDuration = this.#gauge(
    'failover_duration_seconds',
    'Last election won by this replica: time from the free lease to the acceptance by the control plane',
  );
  readonly transitions = new Counter({
    name: 'streamspace_agent_leader_transitions_total',
    help: 'Changes of this replica’s role, to leader or standby',
    labelNames: ['to'],
    registers: [this.registry],
  });
  readonly renewLatency = new Histogram({
    name: 'streamspace_agent_lease_renew_duration_seconds',
    help: 'Duration of lease renewals',
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2, 4],
    registers: [this.registry],
  });
  readonly lastLoss = new Gauge({
    name: 'streamspace_agent_leadership_last_loss_timestamp',
    help: 'Time at which this replica last lost the leadership, by reason, in seconds since 1970',
    labelNames: ['reason'],
    registers: [this.registry],
  });
  readonly commandDuration = new Histogram({
    name: 'streamspace_agent_command_duration_seconds',
    help: 'Duration of commands, by action and outcome (completed, or the error’s code)',
    labelNames: ['action', 'outcome'],
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
    registers: [this.registry],
  });

  /** `uptime`: seconds. */
  constructor(uptime: () => number) {
    new Gauge({
      name: 'streamspace_agent_uptime_seconds',
      help: 'Time since the start of this process',
      registers: [this.registry],
      collect() {
        this.set(uptime());
      },
    });
    for (const to of ['leader', 'standby']) this.transitions.inc({ to }, 0);
  }

  #gauge(name: string, help: string): Gauge {
    return new Gauge({ name: `streamspace_agent_${name}`, help, registers: [this.registry] });
  }
}
