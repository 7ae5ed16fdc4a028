/** Samples of a metric, one a minute, as promtool writes them down. */
type Series = readonly [series: string, values: string];

/** How an alert comes about, and what is just not enough for it. */
export interface Play {
  readonly fires: readonly Series[];
  readonly quiet: readonly Series[];
  /** Labels that the alert has then, besides its severity. */
  readonly labels: Readonly<Record<string, string>>;
  /** How long it plays. */
  readonly minutes: number;
}

/** Labels of every series: where the metrics come from. */
const PLACE = 'namespace="desktops",instance="a",job="streamspace-api"';
const of = (name: string, labels = ''): string => `${name}{${PLACE}${labels === '' ? '' : `,${labels}`}}`;
/** Of the replica b, in place of a. */
const ofB = (name: string): string => of(name).replace('"a"', '"b"');
/** Ten observations a minute, of which `slow` are above the bucket `le`. */
const histogram = (name: string, le: number, slow: number, labels = ''): Series[] => [
  [of(`${name}_bucket`, [labels, `le="${le}"`].filter((some) => some !== '').join(',')), `0+${10 - slow}x60`],
  [of(`${name}_bucket`, [labels, 'le="300"'].filter((some) => some !== '').join(',')), '0+10x60'],
  [of(`${name}_bucket`, [labels, 'le="+Inf"'].filter((some) => some !== '').join(',')), '0+10x60'],
];

const INSTANCE = { instance: 'a' };
const AGENT = { namespace: 'desktops', job: 'streamspace-api' };
const leads = (a: string, b: string): Series[] => [
  [of('streamspace_agent_is_leader'), a],
  [ofB('streamspace_agent_is_leader'), b],
];
const commands = (failed: number): Series[] => [
  [of('streamspace_hub_commands_total', 'state="failed"'), `0+${failed}x60`],
  [of('streamspace_hub_commands_total', 'state="completed"'), `0+${10 - failed}x60`],
];

/** A play for each alert, by its name. */
export const PLAYS: Readonly<Record<string, Play>> = {
  StreamSpaceStoreDown: {
    fires: [[of('streamspace_hub_store_up'), '1x3 0x20']],
    quiet: [[of('streamspace_hub_store_up'), '1x3 0 1x20']],
    labels: INSTANCE,
    minutes: 10,
  },
  StreamSpaceCommandsSlow: {
    fires: histogram('streamspace_hub_command_seconds', 5, 1, 'until="sent"'),
    // the same until they are final: they take what they take
    quiet: [
      ...histogram('streamspace_hub_command_seconds', 5, 0, 'until="sent"'),
      ...histogram('streamspace_hub_command_seconds', 5, 5, 'until="final"'),
    ],
    labels: {},
    minutes: 30,
  },
  StreamSpaceCommandsFail: { fires: commands(3), quiet: commands(1), labels: {}, minutes: 30 },
  StreamSpaceStoreReplicaMissing: {
    fires: [[of('streamspace_hub_commands_unsettled'), '0x3 1x20']],
    quiet: [[of('streamspace_hub_commands_unsettled'), '0x3 1 0x20']],
    labels: INSTANCE,
    minutes: 10,
  },
  StreamSpaceWorkQueueLong: {
    fires: [[of('streamspace_hub_work_queue'), '1001x20']],
    quiet: [[of('streamspace_hub_work_queue'), '1000x20']],
    labels: INSTANCE,
    minutes: 10,
  },
  StreamSpaceHubBusy: {
    fires: [[of('nodejs_eventloop_lag_p99_seconds'), '0.3x20']],
    quiet: [
      [of('nodejs_eventloop_lag_p99_seconds'), '0.25x20'],
      // somebody else's Node.js
      [of('nodejs_eventloop_lag_p99_seconds').replace('streamspace-api', 'shop'), '2x20'],
    ],
    labels: INSTANCE,
    minutes: 10,
  },
  StreamSpacePeersUnreachable: {
    fires: [[of('streamspace_hub_peer_requests_total', 'outcome="unreachable"'), '0+10x60']],
    quiet: [
      [of('streamspace_hub_peer_requests_total', 'outcome="unreachable"'), '0+5x60'],
      [of('streamspace_hub_peer_requests_total', 'outcome="ok"'), '0+100x60'],
    ],
    labels: INSTANCE,
    minutes: 30,
  },
  StreamSpaceAgentsRefused: {
    fires: [[of('streamspace_hub_refusals_total', 'code="stale_term"'), '0+4x60']],
    quiet: [
      [of('streamspace_hub_refusals_total', 'code="stale_term"'), '0+2x60'],
      [of('streamspace_hub_refusals_total', 'code="rate_limited"'), '0+60x60'],
    ],
    labels: { code: 'stale_term' },
    minutes: 40,
  },
  StreamSpaceAgentLost: {
    fires: [[of('streamspace_api_agents', 'connected="false"'), '1x40']],
    quiet: [
      [of('streamspace_api_agents', 'connected="false"'), '1x12 0x40'],
      [of('streamspace_api_agents', 'connected="true"'), '9x40'],
    ],
    labels: {},
    minutes: 20,
  },
  StreamSpaceNoLeader: {
    fires: leads('1x2 0x20', '0x20'),
    quiet: leads('1x2 0x20', '0x2 1x20'),
    labels: AGENT,
    minutes: 10,
  },
  StreamSpaceTwoLeaders: {
    fires: leads('1x20', '0x2 1x20'),
    quiet: leads('1x4 0x20', '0x3 1x20'),
    labels: AGENT,
    minutes: 10,
  },
  StreamSpaceHeartbeatOld: {
    fires: [[of('streamspace_agent_heartbeat_last_success_timestamp'), '60x20']],
    quiet: [
      [of('streamspace_agent_heartbeat_last_success_timestamp'), '0+60x20'],
      // a standby has none
      [ofB('streamspace_agent_heartbeat_last_success_timestamp'), '0x20'],
    ],
    labels: AGENT,
    minutes: 10,
  },
  StreamSpaceAgentCommandsSlow: {
    fires: histogram('streamspace_agent_command_duration_seconds', 60, 1),
    quiet: histogram('streamspace_agent_command_duration_seconds', 60, 0),
    labels: AGENT,
    minutes: 30,
  },
};
