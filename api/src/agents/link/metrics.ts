import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/**
 * Counters of the links, commands and screens of this hub. Bytes are plain numbers that a scrape collects: the hot path costs only
 * one addition.
 */
export interface LinkMetrics {
  bytesToAgents: number;
  bytesFromAgents: number;
  bytesToViewers: number;
  bytesFromViewers: number;
  bytesToPeers: number;
  bytesFromPeers: number;
  readonly registrations: Counter;
  readonly refusals: Counter<'code'>;
  readonly disconnects: Counter<'code'>;
  readonly commands: Counter<'state'>;
  readonly redeliveries: Counter;
  readonly strangers: Counter;
  readonly asked: Counter;
  readonly viewers: Counter<'outcome'>;
  /** Look-ups of the replica that holds an agent: `here`, `peer`, `offline`. */
  readonly lookups: Counter<'found'>;
  readonly peerRequests: Counter<'purpose' | 'outcome'>;
  /** Seconds from a viewer's upgrade to its open stream at the replica that holds the agent. */
  readonly peerDial: Histogram;
  readonly signals: Counter<'direction'>;
  readonly admissions: Counter<'outcome'>;
  /** Seconds from the acceptance of a command. */
  readonly commandLatency: Histogram<'until'>;
  /** Failed steps on the store, retried or abandoned. */
  readonly storeFailures: Counter<'step'>;
  /** Agents whose record the store had lost. */
  readonly reclaims: Counter<'outcome'>;
}

/** Registers the metrics. Each scrape reads `now`. */
export function linkMetrics(
  registry: Registry,
  now: {
    links: () => number;
    handshakes: () => number;
    streams: () => number;
    relays: () => number;
    commands: () => number;
    unsettled: () => number;
    queued: () => number;
    draining: () => boolean;
  },
): LinkMetrics {
  const registers = [registry];
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value());
      },
    });
  gauge('streamspace_hub_agent_links', 'Agents connected to this hub replica', now.links);
  gauge('streamspace_hub_streams', 'Open screens through this hub replica', now.streams);
  gauge(
    'streamspace_hub_commands_in_flight',
    'Commands that agents of this hub replica are carrying out',
    now.commands,
  );
  gauge(
    'streamspace_hub_commands_unsettled',
    'Ended commands whose end is not yet on the replicas of the store; the next commands of their sessions wait',
    now.unsettled,
  );
  gauge('streamspace_hub_handshakes', 'Handshakes of agents in progress', now.handshakes);
  gauge('streamspace_hub_relays', 'Screens whose agent is connected to another hub replica', now.relays);
  gauge('streamspace_hub_work_queue', 'Messages of agents that are not stored yet', now.queued);
  gauge('streamspace_hub_draining', '1 while this hub replica moves its agents to others before its stop', () =>
    now.draining() ? 1 : 0,
  );

  const metrics: LinkMetrics = {
    bytesToAgents: 0,
    bytesFromAgents: 0,
    bytesToViewers: 0,
    bytesFromViewers: 0,
    bytesToPeers: 0,
    bytesFromPeers: 0,
    registrations: new Counter({
      name: 'streamspace_hub_registrations_total',
      help: 'Accepted connections of agents',
      registers,
    }),
    refusals: new Counter({
      name: 'streamspace_hub_refusals_total',
      help: 'Refused connections of agents, by error code',
      labelNames: ['code'],
      registers,
    }),
    disconnects: new Counter({
      name: 'streamspace_hub_disconnects_total',
      help: 'Ended connections of agents, by error code',
      labelNames: ['code'],
      registers,
    }),
    commands: new Counter({
      name: 'streamspace_hub_commands_total',
      help: 'Commands, by state reached',
      labelNames: ['state'],
      registers,
    }),
    strangers: new Counter({
      name: 'streamspace_hub_sessions_ignored_total',
      help: 'Sessions reported by agents that no hub has made',
      registers,
    }),
    redeliveries: new Counter({
      name: 'streamspace_hub_command_redeliveries_total',
      help: 'Commands sent again, on a later connection or to ask for their state',
      registers,
    }),
    asked: new Counter({
      name: 'streamspace_hub_command_questions_total',
      help: 'Commands sent again because an agent with a live connection did not answer',
      registers,
    }),
    viewers: new Counter({
      name: 'streamspace_hub_viewers_total',
      help: 'Connections of viewers, by outcome: opened, refused, failed',
      labelNames: ['outcome'],
      registers,
    }),
    lookups: new Counter({
      name: 'streamspace_hub_agent_lookups_total',
      help: 'Look-ups of the replica that holds an agent, by result: here, peer, offline',
      labelNames: ['found'],
      registers,
    }),
    peerRequests: new Counter({
      name: 'streamspace_hub_peer_requests_total',
      help: 'Requests of this hub replica to others, by outcome: ok, refused, unreachable',
      labelNames: ['purpose', 'outcome'],
      registers,
    }),
    peerDial: new Histogram({
      name: 'streamspace_hub_peer_dial_seconds',
      help: 'Time to open a screen at the replica that holds its agent',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 3],
      registers,
    }),
    signals: new Counter({
      name: 'streamspace_hub_signals_total',
      help: 'Signals between hub replicas through the store, sent and received',
      labelNames: ['direction'],
      registers,
    }),
    admissions: new Counter({
      name: 'streamspace_hub_admissions_total',
      help: 'Agents at the door, by outcome: admitted, or told to retry later',
      labelNames: ['outcome'],
      registers,
    }),
    commandLatency: new Histogram({
      name: 'streamspace_hub_command_seconds',
      help: 'Time from the acceptance of a command to its first sending or its end',
      labelNames: ['until'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
      registers,
    }),
    storeFailures: new Counter({
      name: 'streamspace_hub_store_failures_total',
      help: 'Steps of links and commands that the store failed to carry out, by purpose',
      labelNames: ['step'],
      registers,
    }),
    reclaims: new Counter({
      name: 'streamspace_hub_reclaims_total',
      help: 'Live connections whose agent was missing in the store, by outcome: registered again, or refused',
      labelNames: ['outcome'],
      registers,
    }),
  };
  new Counter({
    name: 'streamspace_hub_stream_bytes_total',
    help: 'Bytes of screens, by leg and direction',
    labelNames: ['leg'],
    registers,
    collect() {
      this.reset();
      this.inc({ leg: 'to_agent' }, metrics.bytesToAgents);
      this.inc({ leg: 'from_agent' }, metrics.bytesFromAgents);
      this.inc({ leg: 'to_viewer' }, metrics.bytesToViewers);
      this.inc({ leg: 'from_viewer' }, metrics.bytesFromViewers);
      this.inc({ leg: 'to_peer' }, metrics.bytesToPeers);
      this.inc({ leg: 'from_peer' }, metrics.bytesFromPeers);
    },
  });
  return metrics;
}
