import type { Clock } from 'clock-port';
import type { Logger } from 'pino';
import type { AgentConfig } from '../config.ts';
import { ConfigError } from '@streamspace/settings';
import type { SessionDriver } from './driver.ts';
import { processDriver } from './process/driver.ts';
import { findIsolation } from './process/isolation.ts';

/** What drivers need of the machine. */
export interface PlatformDeps {
  readonly config: AgentConfig;
  readonly clock: Clock;
  readonly log: Logger;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly tmpDir: string;
  /** How a session host is started. */
  readonly hostCommand: readonly string[];
  readonly kill: (pid: number, signal: 'SIGKILL') => void;
  /** The end of this replica's lease while it leads, monotonic milliseconds; Infinity where it has none, or does not lead. */
  readonly leaseUntil: () => number;
}

/** The driver for `PLATFORM`. Throws {@link ConfigError} for one that this build lacks, and for what its platform refuses. */
export async function driverFor(deps: PlatformDeps): Promise<SessionDriver> {
  const { config, clock, log, env, tmpDir, hostCommand, kill } = deps;
  switch (config.platform) {
    case 'process': {
      const isolation = await findIsolation(config.sessionIsolation, env, [hostCommand[0]!, '--version'], clock);
      if (isolation.reason !== undefined)
        log.warn({ isolation: isolation.state, reason: isolation.reason }, 'Sessions are not isolated');
      const files = [config.agentTokenFile, config.kubeconfig];
      return processDriver({
        isolation,
        secret: files.filter((file) => file !== undefined),
        agentId: config.agentId,
        stateDir: config.stateDir,
        maxSessions: config.maxSessions,
        tmpDir,
        clock,
        log,
        env,
        hostCommand,
        kill,
      });
    }
    case 'kubernetes': {
      // loaded where it is needed only: the client library is large
      const { kubernetesDriver, SettingError } = await import('./kubernetes/factory.ts');
      try {
        // a lock of another kind may be away while the cluster is not: only this one is the same server's
        const fenced = config.enableHa && config.leaseLock.kind === 'kubernetes';
        return await kubernetesDriver(config, { clock, log, leaseUntil: fenced ? deps.leaseUntil : undefined });
      } catch (error) {
        if (!(error instanceof SettingError)) throw error;
        const { setting, problems } = error;
        throw new ConfigError(problems.map((problem) => ({ name: setting, message: `${setting}: ${problem}` })));
      }
    }
    case 'docker': {
      const { driverOfEngine } = await import('./docker/platform.ts');
      const { EngineSettingError } = await import('./docker/setting-error.ts');
      try {
        return await driverOfEngine(config, env['HOME'], clock, log);
      } catch (error) {
        if (!(error instanceof EngineSettingError)) throw error;
        throw new ConfigError([{ name: error.setting, message: `${error.setting}: ${error.message}` }]);
      }
    }
    default:
      throw new ConfigError([
        {
          name: 'PLATFORM',
          message: `PLATFORM: ${config.platform} is not in this build; it has process, docker and kubernetes`,
        },
      ]);
  }
}
