import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Everything that `/metrics` tells; each name is emitted from the start, so that a dashboard never points at nothing (failure 16). */
export class AgentMetrics {
  readonly registry = new Registry();
  readonly sessions = this.#gauge('sessions_active', 'Sessions that are starting or running');
  readonly heartbeat = this.#gauge(
    'heartbeat_last_success_timestamp',
    'When the control plane last answered a heartbeat, seconds since 1970',
  );
  readonly tunnels = this.#gauge('vnc_tunnels_active', 'Screens that are open through this agent');
  readonly connected = this.#gauge('control_plane_connected', 'Whether the control plane accepted the connection');
  readonly isLeader = this.#gauge('is_leader', 'Whether this replica leads (1 where HA is off)');
  readonly term = this.#gauge('leader_term', 'Term of the present leader, as far as this replica knows');
  readonly electionDuration = this.#gauge(
    'election_duration_seconds',
    'Last election that this replica won: from the free lease to holding it',
  );
  readonly failoverDuration = this.#gauge(
    'failover_duration_seconds',
    'Last election that this replica won: from the free lease to being accepted by the control plane',
  );
  readonly transitions = new Counter({
    name: 'streamspace_agent_leader_transitions_total',
    help: 'Times that this replica became or ceased to be the leader',
    labelNames: ['to'],
    registers: [this.registry],
  });
  readonly renewLatency = new Histogram({
    name: 'streamspace_agent_lease_renew_duration_seconds',
    help: 'How long renewals of the lease took',
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2, 4],
    registers: [this.registry],
  });
  readonly lastLoss = new Gauge({
    name: 'streamspace_agent_leadership_last_loss_timestamp',
    help: 'When this replica last lost the lead, by reason, seconds since 1970',
    labelNames: ['reason'],
    registers: [this.registry],
  });
  readonly commandDuration = new Histogram({
    name: 'streamspace_agent_command_duration_seconds',
    help: 'How long commands took, by action and outcome (completed, or the error’s code)',
    labelNames: ['action', 'outcome'],
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
    registers: [this.registry],
  });

  /** `uptime`: seconds. */
  constructor(uptime: () => number) {
    new Gauge({
      name: 'streamspace_agent_uptime_seconds',
      help: 'Since this process began',
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
