import type { Mishaps, Random, VirtualClock } from '@streamspace/testkit';
import { SimProcess, type SimSocket, throughProcess } from '@streamspace/testkit';
import type { Clock } from 'clock-port';
import { Elector, type Lock } from 'lease-elector';
import type { MemoryLease } from 'lease-elector/memory';
import type { ClientOptions, WebSocket } from 'ws';
import { readAgentConfig } from '../../../agent/src/config.ts';
import { AgentMetrics } from '../../../agent/src/health/metrics.ts';
import { LeadershipLoop } from '../../../agent/src/leader/leadership.ts';
import type { Credentials } from '../../../agent/src/link/credential.ts';
import type { Dialer } from '../../../agent/src/link/dialer.ts';
import { HubContact } from '../../../agent/src/link/hub-contact.ts';
import { openLink } from '../../../agent/src/link/open.ts';
import { Replicas } from '../../../agent/src/leader/replicas.ts';
import { TermOfOffice } from '../../../agent/src/leader/term-of-office.ts';
import { silent } from './hub.ts';
import type { Platform } from './platform.ts';

export const AGENT_ID = 'lab';

/** One process of a replica: the real elector, link, dispatcher; a lease, a network and a platform that are the world's. */
export class SimAgent {
  readonly process: SimProcess;
  readonly identity: string;
  readonly elector: Elector;
  readonly #stop = new AbortController();
  readonly stopped: Promise<void>;

  constructor(
    name: string,
    incarnation: number,
    world: {
      clock: VirtualClock;
      random: Random;
      lease: MemoryLease;
      platform: Platform;
      mishaps: Mishaps;
      platformMishaps: Mishaps;
      dial: (from: SimProcess) => SimSocket;
    },
  ) {
    const process = new SimProcess(`${name}.${incarnation}`, world.clock, world.random.between(0.995, 1.005));
    this.process = process;
    this.identity = process.name;
    const { clock } = process;
    const random = () => world.random.next();
    const config = readAgentConfig(
      {
        AGENT_ID,
        CONTROL_PLANE_URL: 'ws://127.0.0.1',
        PLATFORM: 'process',
        POD_NAME: name,
        ENABLE_HA: 'true',
        STATE_DIR: '/nowhere',
        RECONNECT_DELAY: '100ms',
        MAX_RECONNECT_DELAY: '2s',
        HEARTBEAT_INTERVAL: '1s',
        COMMAND_TIMEOUT: '30s',
        GRACEFUL_SHUTDOWN_TIMEOUT: '5s',
      },
      name,
    );
    this.elector = new Elector({
      lock: lockOf(world.lease, process, world.clock, world.random, world.mishaps),
      clock,
      identity: this.identity,
      random,
      leaseDurationMs: 3_000,
      renewDeadlineMs: 2_000,
      retryPeriodMs: 500,
      onLoseSight: 'keep-until-superseded',
    });
    const { elector } = this;
    const metrics = new AgentMetrics(() => 0);
    const dialer = {
      open: (token: string, hello: Parameters<Dialer['open']>[1], signal: AbortSignal) =>
        openLink(
          {
            url: new URL('ws://127.0.0.1'),
            token,
            hello,
            heartbeatInterval: config.heartbeatInterval,
            dial: (_url: URL, _protocols: string[], _options: ClientOptions) =>
              world.dial(process) as unknown as WebSocket,
          },
          clock,
          signal,
        ),
    } as unknown as Dialer;
    const credentials = {
      current: () => Promise.resolve('credential'),
      refused: () => Promise.resolve(false),
    } as unknown as Credentials;
    const driver = throughProcess(world.platform, process, world.clock, world.random, world.platformMishaps, ['watch']);
    const loop = new LeadershipLoop({
      elector,
      clock,
      log: silent,
      metrics,
      restartDelay: config.leaseRetryPeriod,
      stallLimit: 30_000,
      serve: (leading) =>
        new TermOfOffice({
          config,
          clock,
          log: silent,
          random,
          driver,
          dialer,
          credentials,
          metrics,
          replicas: new Replicas(name, clock, silent, undefined),
          build: 'simulated',
          leading,
          elector,
          election: undefined,
          contact: new HubContact(clock, metrics, { connected: false }),
        }).run(leading.signal),
    });
    this.stopped = loop.run(this.#stop.signal);
  }

  stop(): void {
    this.#stop.abort(new Error('asked to stop'));
  }
}

/** The lease as one process sees it: calls take a while, or are its last; what the watch tells comes late. */
function lockOf(
  lease: MemoryLease,
  process: SimProcess,
  world: Clock & VirtualClock,
  random: Random,
  mishaps: Mishaps,
): Lock {
  const lock = lease.lock();
  const far = throughProcess(lock, process, world, random, mishaps, ['watch', 'holderGone', 'announce', 'candidates']);
  return {
    name: lock.name,
    read: (signal) => far.read(signal),
    create: (record, signal) => far.create(record, signal),
    update: (record, version, signal) => far.update(record, version, signal),
    watch: (onChange, signal) =>
      lock.watch!(
        (state) => void world.setTimeout(() => process.run(() => onChange(state)), random.next() * 200),
        signal,
      ),
    holderGone: (record, signal) => process.outside(lock.holderGone!(record, signal)),
  };
}
