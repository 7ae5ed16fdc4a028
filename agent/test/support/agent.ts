import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, systemClock } from 'clock-port';
import { Elector, type Lock } from 'lease-elector';
import { pino } from 'pino';
import { type AgentReplica, createAgent } from '../../src/agent.ts';
import { readAgentConfig } from '../../src/config.ts';
import { FakeDriver } from './driver.ts';

export interface AgentUnderTest {
  readonly agent: AgentReplica;
  readonly driver: FakeDriver;
  readonly elector: Elector | undefined;
  /** What it logged, oldest first. */
  readonly logs: { msg: string; [field: string]: unknown }[];
  readonly stateDir: string;
  /** Resolves when `run` did. */
  readonly done: Promise<void>;
  /** Stops it gracefully. */
  stop(): Promise<void>;
}

export interface StartOptions {
  url: string;
  env?: Record<string, string>;
  driver?: FakeDriver;
  clock?: Clock;
  stateDir?: string;
  /** HA with this lock. */
  lock?: Lock;
  name?: string;
  random?: () => number;
  /** PEM. */
  ca?: string;
}

/** An agent in this process: fast timings, free ports, its own state folder. */
export async function startAgent(options: StartOptions): Promise<AgentUnderTest> {
  const { url, env = {}, driver = new FakeDriver(), clock = systemClock, lock, name = 'replica-1' } = options;
  const stateDir = options.stateDir ?? (await mkdtemp(join(tmpdir(), 'agent-')));
  const logs: AgentUnderTest['logs'] = [];
  const config = readAgentConfig(
    {
      AGENT_ID: 'agent-1',
      CONTROL_PLANE_URL: url,
      AGENT_TOKEN: `ssa_${'a'.repeat(40)}`,
      PLATFORM: 'process',
      STATE_DIR: stateDir,
      POD_NAME: name,
      HEALTH_PORT: '0',
      METRICS_PORT: '0',
      RECONNECT_DELAY: '10ms',
      MAX_RECONNECT_DELAY: '100ms',
      GRACEFUL_SHUTDOWN_TIMEOUT: '5s',
      ...(lock !== undefined && {
        ENABLE_HA: 'true',
        LEASE_DURATION: '1500ms',
        LEASE_RENEW_DEADLINE: '1s',
        LEASE_RETRY_PERIOD: '100ms',
      }),
      ...env,
    },
    'host',
  );
  const log = pino(
    { level: 'debug' },
    { write: (line: string) => void logs.push(JSON.parse(line) as AgentUnderTest['logs'][number]) },
  );
  let elector: Elector | undefined;
  const agent = createAgent({
    config,
    clock,
    log,
    driver,
    random: options.random ?? Math.random,
    build: 'test',
    ca: options.ca,
    elector:
      lock &&
      ((hooks) =>
        (elector = new Elector({
          lock,
          identity: `${name}@${Math.random().toString(36).slice(2)}`,
          clock,
          leaseDurationMs: config.leaseDuration,
          renewDeadlineMs: config.leaseRenewDeadline,
          retryPeriodMs: config.leaseRetryPeriod,
          onLoseSight: 'keep-until-superseded',
          ...hooks,
          stopTimeoutMs: config.gracefulShutdownTimeout + 1000,
        }))),
  });
  const controller = new AbortController();
  const done = agent.run(controller.signal);
  done.catch(() => undefined);
  return {
    agent,
    driver,
    elector,
    logs,
    stateDir,
    done,
    async stop() {
      controller.abort(new Error('test is over'));
      await done;
      driver.close();
      if (options.stateDir === undefined) await rm(stateDir, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}
