import { join, resolve } from 'node:path';
import {
  AGENT,
  ConfigError,
  type Environment,
  type LeaseLock,
  readSettings,
  type Settings,
} from '@streamspace/settings';

/** What an agent was told, complete and checked. Durations are milliseconds, memory and storage bytes, cpu cores. Frozen. */
export type AgentConfig = Readonly<
  Omit<Settings<typeof AGENT>, 'podName' | 'leaseLock'> & { podName: string; leaseLock: LeaseLock }
>;

/** Reads the environment. `hostname`: the replica's name where `POD_NAME` is not set. Throws {@link ConfigError}. */
export function readAgentConfig(env: Environment, hostname: string): AgentConfig {
  const { values, problems, malformed } = readSettings(AGENT, env);
  const problem = (name: string, message: string) => void problems.push({ name, message: `${name}: ${message}` });
  crossCheck(values, malformed, problem);
  const stateDir = expandHome(values.stateDir, env['HOME'], problem);
  if (problems.length > 0) throw new ConfigError(problems);

  const podName = values.podName ?? hostname;
  const leaseLock = values.leaseLock ?? { kind: values.platform === 'kubernetes' ? 'kubernetes' : 'file', target: '' };
  return Object.freeze({ ...values, podName, stateDir, leaseLock: Object.freeze(leaseLock) });
}

function crossCheck(
  read: Settings<typeof AGENT>,
  malformed: ReadonlySet<string>,
  problem: (name: string, message: string) => void,
): void {
  const sound = (...names: string[]) => names.every((name) => !malformed.has(name));
  if (read.agentToken !== undefined && read.agentTokenFile !== undefined) {
    problem('AGENT_TOKEN_FILE', 'AGENT_TOKEN is set too; only one of them can be used');
  }
  if (sound('RECONNECT_DELAY', 'MAX_RECONNECT_DELAY') && read.maxReconnectDelay < read.reconnectDelay) {
    problem(
      'MAX_RECONNECT_DELAY',
      `${read.maxReconnectDelay}ms is less than RECONNECT_DELAY (${read.reconnectDelay}ms)`,
    );
  }
  if (sound('LEASE_DURATION', 'LEASE_RENEW_DEADLINE') && read.leaseDuration <= read.leaseRenewDeadline) {
    problem(
      'LEASE_DURATION',
      `${read.leaseDuration}ms must be more than LEASE_RENEW_DEADLINE (${read.leaseRenewDeadline}ms), or a leader is replaced before it gives up`,
    );
  }
  if (sound('LEASE_RENEW_DEADLINE', 'LEASE_RETRY_PERIOD') && read.leaseRenewDeadline <= read.leaseRetryPeriod * 1.2) {
    problem(
      'LEASE_RENEW_DEADLINE',
      `${read.leaseRenewDeadline}ms must be more than 1.2 × LEASE_RETRY_PERIOD (${read.leaseRetryPeriod}ms), or there is no second try`,
    );
  }
  if (
    sound('HEALTH_PORT', 'METRICS_PORT', 'METRICS_ENABLED') &&
    read.metricsEnabled &&
    read.healthPort !== 0 &&
    read.healthPort === read.metricsPort
  ) {
    problem('METRICS_PORT', `${read.metricsPort} is HEALTH_PORT too; give each its own`);
  }
}

function expandHome(
  path: string | undefined,
  home: string | undefined,
  problem: (name: string, message: string) => void,
): string {
  if (path === undefined) return '';
  if (path !== '~' && !path.startsWith('~/')) return resolve(path);
  if (home === undefined || home === '') {
    problem('STATE_DIR', `${path} needs HOME, which is not set; give a full path`);
    return path;
  }
  return join(home, path.slice(1));
}
