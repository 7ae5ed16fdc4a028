import { EngineSettingError } from '../setting-error.ts';
import type { EngineDriverSettings, SessionContainerConfig } from '../options.ts';
import type { SwarmHomeConfig } from './options.ts';

type Settings = SwarmHomeConfig &
  Pick<SessionContainerConfig, 'sessionRuntime' | 'sessionGpus' | 'sessionAllow'> &
  Pick<EngineDriverSettings, 'sessionImagePullPolicy'> & { readonly sessionWarmPool: string | undefined };

const INSTEAD = 'unset it, or set DOCKER_MODE to engine';

/** Throws {@link EngineSettingError} for settings that services of a swarm can't have, and for homes that would all be one folder. */
export function refuseOnSwarm(settings: Settings): void {
  const { sessionHomeDriver, sessionHomeOptions = '', sessionAllow } = settings;
  const refuse = (setting: string, problem: string): never => {
    throw new EngineSettingError(setting, problem);
  };
  if (settings.sessionRuntime !== undefined)
    refuse(
      'SESSION_RUNTIME',
      `a service of a swarm runs with its node’s own runtime (default-runtime in daemon.json): ${INSTEAD}`,
    );
  if (settings.sessionGpus !== undefined)
    refuse('SESSION_GPUS', `a service of a swarm has no graphics cards: ${INSTEAD}`);
  if (sessionAllow !== undefined && (sessionAllow.devices.size > 0 || sessionAllow.gpus > 0))
    refuse(
      'SESSION_ALLOW',
      'a service of a swarm has no devices: leave out device: and gpus:, or set DOCKER_MODE to engine',
    );
  if (settings.sessionWarmPool !== undefined)
    refuse('SESSION_WARM_POOL', `a swarm’s services are not kept warm: ${INSTEAD}`);
  if (settings.sessionImagePullPolicy === 'Never')
    refuse('SESSION_IMAGE_PULL_POLICY', `Never, and each node of a swarm pulls what it lacks: ${INSTEAD}`);
  if (sessionHomeDriver === 'local' && sessionHomeOptions !== '' && !sessionHomeOptions.includes('{home}'))
    refuse(
      'SESSION_HOME_OPTIONS',
      'has no {home}, so that all users would share one folder: e.g. device=:/homes/{home}',
    );
}
