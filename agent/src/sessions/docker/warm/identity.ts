import type { SessionSpec } from '@streamspace/protocol';
import { IDENTITY_FOLDER } from '../objects/container.ts';
import type { DockerDriverOptions } from '../options.ts';

/** Leaves the session's identity in a warm container, in files that its user can't change. Never rejects. */
export async function tellIdentity(
  { engine, log }: Pick<DockerDriverOptions, 'engine' | 'log'>,
  containerId: string,
  { id, user }: SessionSpec,
  signal: AbortSignal,
): Promise<void> {
  try {
    const script = 'umask 022; cd "$0" && printf %s "$1" > id && printf %s "$2" > user';
    const body = { User: '0', Cmd: ['sh', '-c', script, IDENTITY_FOLDER, id, user] };
    const made = await engine.json<{ Id: string }>(`/containers/${containerId}/exec`, { method: 'POST', body }, signal);
    await engine.json(`/exec/${made.Id}/start`, { method: 'POST', body: { Detach: true } }, signal);
  } catch (err) {
    log.warn({ session: id, err }, 'A warm container was not told which session it is');
  }
}
