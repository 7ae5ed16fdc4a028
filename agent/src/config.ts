import { join, resolve } from 'node:path';
import type { LeaseLock } from './config/kinds.ts';
import { meantFor } from './config/nearest.ts';
import { type Setting, SETTINGS, type Settings } from './config/settings.ts';

/** What an agent was told, complete and checked. Durations are milliseconds, memory and storage bytes, cpu cores. Frozen. */
export type Config = Readonly<Omit<Settings, 'podName' | 'leaseLock'> & { podName: string; leaseLock: LeaseLock }>;

export interface ConfigProblem {
  readonly name: string;
  readonly message: string;
}

/** Everything that is wrong with the environment, at once. `message` has a line for each. */
export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[];
  constructor(problems: readonly ConfigProblem[]) {
    super(
      `The configuration has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}:\n${problems.map((problem) => `  ${problem.message}`).join('\n')}`,
    );
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

type Env = Readonly<Record<string, string | undefined>>;

const settings = Object.entries(SETTINGS) as [keyof Settings, Setting<unknown>][];
const known = settings.map(([, setting]) => setting.name);
/** By old custom these are also read in lower case. */
const PROXIES = ['HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY'];

/** Reads the environment. `hostname`: the replica's name where `POD_NAME` is not set. Throws {@link ConfigError}. */
export function readConfig(env: Env, hostname: string): Config {
  const problems: ConfigProblem[] = [];
  const values: Record<string, unknown> = {};
  const malformed = new Set<string>();
  const problem = (name: string, message: string) => {
    malformed.add(name);
    problems.push({ name, message: `${name}: ${message}` });
  };

  for (const [field, setting] of settings) {
    const lower = PROXIES.includes(setting.name) ? env[setting.name.toLowerCase()] : undefined;
    const given = env[setting.name] || lower || undefined;
    if (given === undefined) {
      if (setting.default === undefined) problem(setting.name, `required; it takes ${setting.kind.takes}`);
      else values[field] = setting.default === null ? undefined : setting.kind.parse(setting.default);
      continue;
    }
    values[field] = setting.kind.parse(given);
    if (values[field] !== undefined) continue;
    const shown =
      setting.secret === true ? `a value of ${given.length} characters` : JSON.stringify(given.slice(0, 200));
    const link = /^(tcp|udp):\/\//.test(given)
      ? '; Kubernetes sets it for a Service of that name: turn enableServiceLinks off for the pod'
      : '';
    problem(setting.name, `takes ${setting.kind.takes}; given was ${shown}${link}`);
  }

  for (const name of Object.keys(env).sort()) {
    if (known.includes(name) || PROXIES.includes(name.toUpperCase())) continue;
    const meant = meantFor(name, known);
    if (meant !== undefined)
      problem(name, `unknown variable; did you mean ${meant}? Unset it if it is meant for another program`);
  }

  const read = values as Settings;
  const podName = read.podName ?? hostname;
  crossCheck(read, malformed, problem);
  const stateDir = expandHome(read.stateDir, env['HOME'], problem);
  if (problems.length > 0) throw new ConfigError(problems);

  const leaseLock = read.leaseLock ?? { kind: read.platform === 'kubernetes' ? 'kubernetes' : 'file', target: '' };
  return Object.freeze({ ...read, podName, stateDir, leaseLock: Object.freeze(leaseLock) });
}

function crossCheck(
  read: Settings,
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
