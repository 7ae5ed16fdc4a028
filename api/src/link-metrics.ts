import { Counter, Gauge, type Registry } from 'prom-client';

/**
 * What the links, commands and screens of this hub count. Bytes are plain numbers that a scrape collects: the hot path pays for
 * one addition.
 */
export interface LinkMetrics {
  bytesToAgents: number;
  bytesFromAgents: number;
  bytesToViewers: number;
  bytesFromViewers: number;
  readonly registrations: Counter;
  readonly refusals: Counter<'code'>;
  readonly disconnects: Counter<'code'>;
  readonly commands: Counter<'state'>;
  readonly redeliveries: Counter;
  readonly viewers: Counter<'outcome'>;
}

/** Registers the metrics. `now` is asked at each scrape. */
export function linkMetrics(
  registry: Registry,
  now: { links: () => number; streams: () => number; commands: () => number },
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
  gauge('streamspace_hub_agent_links', 'Agents connected to this hub', now.links);
  gauge('streamspace_hub_streams', 'Screens open through this hub', now.streams);
  gauge('streamspace_hub_commands_in_flight', 'Commands that are with an agent of this hub', now.commands);

  const metrics: LinkMetrics = {
    bytesToAgents: 0,
    bytesFromAgents: 0,
    bytesToViewers: 0,
    bytesFromViewers: 0,
    registrations: new Counter({
      name: 'streamspace_hub_registrations_total',
      help: 'Connections of agents accepted',
      registers,
    }),
    refusals: new Counter({
      name: 'streamspace_hub_refusals_total',
      help: 'Connections of agents refused, by error code',
      labelNames: ['code'],
      registers,
    }),
    disconnects: new Counter({
      name: 'streamspace_hub_disconnects_total',
      help: 'Connections of agents ended, by error code',
      labelNames: ['code'],
      registers,
    }),
    commands: new Counter({
      name: 'streamspace_hub_commands_total',
      help: 'Commands by the state that they reached',
      labelNames: ['state'],
      registers,
    }),
    redeliveries: new Counter({
      name: 'streamspace_hub_command_redeliveries_total',
      help: 'Commands sent again, on a later connection',
      registers,
    }),
    viewers: new Counter({
      name: 'streamspace_hub_viewers_total',
      help: 'Viewers by how their connection went: opened, refused, failed',
      labelNames: ['outcome'],
      registers,
    }),
  };
  new Counter({
    name: 'streamspace_hub_stream_bytes_total',
    help: 'Bytes of screens, by the leg and its direction',
    labelNames: ['leg'],
    registers,
    collect() {
      this.reset();
      this.inc({ leg: 'to_agent' }, metrics.bytesToAgents);
      this.inc({ leg: 'from_agent' }, metrics.bytesFromAgents);
      this.inc({ leg: 'to_viewer' }, metrics.bytesToViewers);
      this.inc({ leg: 'from_viewer' }, metrics.bytesFromViewers);
    },
  });
  return metrics;
}
