import { join } from 'node:path';
import type { Clock } from 'clock-port';
import { SettingError } from '../core/setting-error.ts';
import { readWarmTemplates, type WarmTemplate } from '../core/warm-templates.ts';
import { DockerDriver } from './driver.ts';
import { AddressError, type EngineAddress, engineAddress } from './engine/address.ts';
import { Engine } from './engine/engine.ts';
import { EngineError } from './engine/error.ts';
import { EngineSettingError } from './setting-error.ts';
import { folderProblem } from './host-folders.ts';
import type { DriverLog } from '../core/driver-log.ts';
import { type DockerMode, wantsSwarm } from './mode.ts';
import type { EngineDriverSettings, SessionContainerConfig } from './options.ts';
import { SwarmDriver } from './swarm/driver.ts';
import type { SwarmHomeConfig } from './swarm/options.ts';
import { refuseOnSwarm } from './swarm/refusals.ts';

/** The settings of an agent for an engine; durations are milliseconds. */
export interface EngineSettings extends SessionContainerConfig, EngineDriverSettings, SwarmHomeConfig {
  readonly dockerMode: DockerMode;
  readonly dockerHost: string;
  readonly dockerCertPath: string | undefined;
  /** Folder of the configuration that `docker login` writes; undefined: `.docker` in the agent's HOME. */
  readonly dockerConfig: string | undefined;
  readonly commandTimeout: number;
  /** Path of a file with templates. */
  readonly sessionWarmPool: string | undefined;
  /** The agent's own files. */
  readonly stateDir: string;
  readonly agentTokenFile: string | undefined;
}

/** A start ends before its command does, so that it fails with its reason and not with a timeout. */
const START_SHARE = 0.9;
/** Milliseconds that the first look at the engine may take. */
const LOOK_MS = 10_000;

/**
 * The driver for the engine that the settings name. Throws {@link EngineSettingError} for an address that is none, and for an engine that refuses
 * (no permission, too old an API); one that is away now is waited for later. `home`: the agent's HOME.
 */
export async function driverOfEngine(
  settings: EngineSettings,
  home: string | undefined,
  clock: Clock,
  log: DriverLog,
): Promise<DockerDriver | SwarmDriver> {
  const address = addressOf(settings);
  if (address.kind === 'tcp' && address.tls === undefined)
    log.warn(
      { engine: settings.dockerHost },
      'The engine is reached without TLS: whoever reaches its port rules the host, sessions included if their network does',
    );
  const engine = new Engine(address, clock);
  await refuseUnusable(engine, log);
  const secret = secretPaths(settings, address);
  for (const folder of settings.sessionAllow?.mounts ?? []) {
    const problem = await folderProblem(folder, secret);
    if (problem !== undefined) throw new EngineSettingError('SESSION_ALLOW', `mount:${folder}: ${problem}`);
  }
  const { sessionWarmPool } = settings;
  const dockerConfig = settings.dockerConfig ?? join(home ?? '/', '.docker');
  const startDeadline = settings.commandTimeout * START_SHARE;
  const common = { ...settings, engine, secret, dockerConfig, startDeadline, clock, log };
  if (await wantsSwarm(settings, { engine, clock, log })) {
    refuseOnSwarm(settings);
    return new SwarmDriver(common);
  }
  return new DockerDriver({
    ...common,
    warm: sessionWarmPool === undefined ? undefined : await warmTemplates(sessionWarmPool, settings),
  });
}

async function warmTemplates(path: string, settings: EngineSettings): Promise<WarmTemplate[]> {
  try {
    return await readWarmTemplates(path, settings, 'docker');
  } catch (error) {
    if (!(error instanceof SettingError)) throw error;
    throw new EngineSettingError(error.setting, error.problems.join('; '), { cause: error });
  }
}

function secretPaths(settings: EngineSettings, address: EngineAddress): string[] {
  const { stateDir, agentTokenFile, dockerConfig, dockerCertPath } = settings;
  const socket = address.kind === 'unix' ? address.path : undefined;
  return [socket, stateDir, agentTokenFile, dockerConfig, dockerCertPath].filter((path) => path !== undefined);
}

function addressOf({ dockerHost, dockerCertPath }: EngineSettings): EngineAddress {
  try {
    return engineAddress(dockerHost, dockerCertPath);
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    throw new EngineSettingError(error.setting, error.message, { cause: error });
  }
}

async function refuseUnusable(engine: Engine, log: DriverLog): Promise<void> {
  try {
    await engine.version(AbortSignal.timeout(LOOK_MS));
  } catch (error) {
    const { code } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
    // what waiting does not mend
    if (code === 'EACCES' || (error instanceof EngineError && error.status !== 0))
      throw new EngineSettingError('DOCKER_HOST', (error as Error).message, { cause: error });
    log.warn({ err: error }, 'The engine does not answer yet');
  }
}
