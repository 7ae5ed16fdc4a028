import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { systemClock } from 'clock-port';
import { Elector } from 'lease-elector';
import { type Logger, pino } from 'pino';
import { createAgent } from './agent.ts';
import { ConfigError } from '@streamspace/settings';
import { type AgentConfig, readAgentConfig } from './config.ts';
import { lockFor } from './leader/locks.ts';
import { driverFor } from './sessions/platforms.ts';

/** Exit status for a configuration that can't be used; as sysexits(3) has it. */
const EX_CONFIG = 78;

function logger(config: AgentConfig): Logger {
  const options = { level: config.logLevel, base: { agent_id: config.agentId, replica: config.podName } };
  if (config.logFormat === 'json') return pino(options);
  return pino({
    ...options,
    transport: { target: 'pino-pretty', options: { colorize: process.stdout.isTTY, ignore: 'pid,hostname,agent_id' } },
  });
}

async function main(): Promise<void> {
  const config = readAgentConfig(process.env, hostname());
  const log = logger(config);
  const clock = systemClock;
  let elector: Elector | undefined;
  const driver = await driverFor({
    config,
    clock,
    log,
    env: process.env,
    tmpDir: tmpdir(),
    hostCommand: [process.execPath, fileURLToPath(new URL('session-host.js', import.meta.url))],
    kill: (pid, signal) => void process.kill(pid, signal),
    leaseUntil: () => elector?.leaseUntil ?? Infinity,
  });
  const lock = config.enableHa ? await lockFor(config, clock, log, process, randomBytes(8).toString('hex')) : undefined;
  const agent = createAgent({
    config,
    clock,
    log,
    driver,
    random: Math.random,
    build: 'streamspace-agent/0.1.0',
    ca: config.controlPlaneCaFile === undefined ? undefined : await readFile(config.controlPlaneCaFile, 'utf8'),
    elector:
      lock &&
      ((hooks) => {
        elector = new Elector({
          lock: lock.lock,
          identity: lock.identity,
          clock,
          leaseDurationMs: config.leaseDuration,
          renewDeadlineMs: config.leaseRenewDeadline,
          retryPeriodMs: config.leaseRetryPeriod,
          // the hub fences by term, so an outage of the lock is no reason to stop (I2)
          onLoseSight: 'keep-until-superseded',
          ...hooks,
          stopTimeoutMs: config.gracefulShutdownTimeout + 2_000,
        });
        lock.attach?.(elector);
        return elector;
      }),
  });

  const stop = new AbortController();
  const onSignal = (signal: NodeJS.Signals) => {
    // asked twice: whoever asks does not want to wait
    if (stop.signal.aborted) process.exit(1);
    log.info({ signal }, 'Stopping');
    stop.abort(new Error(`stopped by ${signal}`));
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  await agent.run(stop.signal);
  process.off('SIGTERM', onSignal);
  process.off('SIGINT', onSignal);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(error instanceof ConfigError ? EX_CONFIG : 1);
}
