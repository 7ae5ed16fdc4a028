import { pause } from 'clock-port';
import type { SessionSpec } from '@streamspace/protocol';
import { answered } from '../engine/error.ts';
import { IDENTITY_FOLDER } from '../objects/container.ts';
import type { DockerDriverOptions } from '../options.ts';

/** Pause before it, milliseconds: while the engine begins a process in a container it answers no question about that container (70 to 100 ms). */
const AFTER_MS = 1_000;

/** Leaves the session's identity in a warm container, in files that its user can't change, a moment after its claim. Never rejects. */
export async function tellIdentity(
  { engine, log, clock }: Pick<DockerDriverOptions, 'engine' | 'log' | 'clock'>,
  containerId: string,
  { id, user }: SessionSpec,
  signal: AbortSignal,
): Promise<void> {
  try {
    await pause(clock, AFTER_MS, signal);
    if (signal.aborted) return;
    const script = 'umask 022; cd "$0" && printf %s "$1" > id && printf %s "$2" > user';
    const body = { User: '0', Cmd: ['sh', '-c', script, IDENTITY_FOLDER, id, user] };
    const made = await engine.json<{ Id: string }>(`/containers/${containerId}/exec`, { method: 'POST', body }, signal);
    await engine.json(`/exec/${made.Id}/start`, { method: 'POST', body: { Detach: true } }, signal);
  } catch (err) {
    // it is gone, or has ended
    if (!answered(err, 404, 409)) log.warn({ session: id, err }, 'A warm container was not told which session it is');
  }
}
