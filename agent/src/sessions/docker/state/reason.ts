import type { EngineKind } from '../engine/engine.ts';
import { KILLED } from '../engine/containers.ts';
import { isAway, answered } from '../engine/error.ts';
import type { Failure } from '../../core/failure.ts';
import type { ContainerDetails } from '../objects/engine-objects.ts';

/** Why a container does not run any more, in words for its user. `log`: its program's last lines, where they are worth a look. */
export function endOf({ State, HostConfig }: ContainerDetails, log: string, engine: EngineKind): string {
  const limit = HostConfig.Memory > 0 ? ` of ${Math.round(HostConfig.Memory / 1024 ** 2)} MiB` : '';
  const last = log.trim() === '' ? '' : `. Its last lines:\n${log.trim()}`;
  if (State.OOMKilled) {
    return `Killed for using more memory than its limit${limit}`;
  }
  if (State.Error !== '') return `Its container can’t be started: ${State.Error}`;
  // Podman does not always know it, on cgroups v1 never
  if (State.ExitCode === KILLED && engine === 'podman')
    return `The session’s program was killed from outside, or for using more memory than its limit${limit} (exit code ${KILLED})${last}`;
  if (State.ExitCode === KILLED) return `The session’s program was killed from outside (exit code ${KILLED})${last}`;
  return `The session’s program ended with exit code ${State.ExitCode}${last}`;
}

/** What the engine refused, in words for whoever wanted a session, and its kind; `image`: its image's name. */
export function engineRefusal(error: Error, image: string): Failure {
  const { message } = error;
  const is = (words: RegExp) => words.test(message);
  if (isAway(error)) return { reason: message };
  if (answered(error, 404) && is(/no such image|not on the engine/i)) return { reason: message, code: 'image' };
  if (is(/no space left on device|disk quota exceeded/i))
    return {
      reason: `The engine’s disk is full: ${message}. Free some space there (docker system df tells what takes it)`,
      code: 'capacity',
    };
  if (is(/(?<!permission )\bdenied\b|\b403\b|forbidden|unauthorized|authentication required|no basic auth/i))
    return {
      reason: `Image ${image} may not be pulled: ${message}. Its name may be wrong, or docker login is needed on the agent’s host`,
      code: 'image',
    };
  if (is(/manifest .*(unknown|not found)|not found: manifest|repository .* not found/i))
    return { reason: `There is no image ${image}: ${message}`, code: 'image' };
  if (
    is(
      /no such host|connection refused|i\/o timeout|TLS handshake|server misbehaving|request canceled|\bEOF\b|network is unreachable|context deadline/i,
    )
  )
    return { reason: `The registry of image ${image} does not answer: ${message}`, code: 'image' };
  if (is(/could not select device driver/i))
    return {
      reason: `The engine has no runtime for graphics cards (${message}): install the NVIDIA Container Toolkit, or unset SESSION_GPUS`,
      code: 'capacity',
    };
  const folder = /bind source path does not exist: (.*)/.exec(message)?.[1];
  if (folder !== undefined)
    return {
      reason: `The engine’s host has no folder ${folder}, which the template mounts: make it there, or change STREAMSPACE_MOUNTS`,
    };
  const device = /gathering device information while adding custom device "([^"]*)"/.exec(message)?.[1];
  if (device !== undefined)
    return {
      reason: `The engine’s host has no device ${device}, which the template asks for: change STREAMSPACE_DEVICES`,
    };
  if (is(/unknown runtime|invalid runtime|runtime not found/i))
    return { reason: `The engine does not know the runtime of SESSION_RUNTIME: ${message}` };
  if (is(/network .* not found/i))
    return { reason: `The network of SESSION_NETWORK is not there: ${message}`, code: 'network' };
  return { reason: `The engine refused it: ${message}` };
}

/** Whether the engine's disk is full. */
export const isFull = (error: Error): boolean => /no space left on device|disk quota exceeded/i.test(error.message);
