import { outcomeOf } from 'clock-port';
import { spawn } from 'node:child_process';
import { mkdir, open, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { HostOrder } from './host-messages.ts';

/** A session's log moves to a second file at this size, bytes. */
const LOG = 1024 * 1024;

/** The part of the agent's environment that a session may see: no tokens, nothing about the hub. */
const INHERITED = /^(PATH|LANG|LC_.*|TZ|USER|LOGNAME|SHELL|TMPDIR|SYSTEMROOT)$/;

const LOCALE = ['LC_ALL', 'LC_CTYPE', 'LANG'];

/**
 * Starts a session host that outlives this process. Resolves when the host is bound (then its control socket answers) or has ended (then
 * another host has this start, or the log has the reason); rejects when the host can't be started at all or the signal aborts. An abort does
 * not stop the host: the record decides whether it is wanted.
 */
export async function launchHost(
  hostCommand: readonly string[],
  order: HostOrder,
  folder: string,
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const log = await openLog(join(folder, 'host.log'));
  try {
    const inherited = Object.fromEntries(Object.entries(env).filter(([name, text]) => INHERITED.test(name) && text));
    // services and containers often have no locale, and without one programs accept only ASCII
    if (!LOCALE.some((name) => name in inherited)) inherited['LANG'] = 'C.UTF-8';
    const [command, ...args] = hostCommand;
    signal.throwIfAborted();
    const child = spawn(command!, [...args, JSON.stringify(order)], {
      cwd: folder,
      env: inherited as Record<string, string>,
      detached: true,
      stdio: ['ignore', log.fd, log.fd, 'pipe'],
    });
    const bound = child.stdio[3]!;
    child.unref();
    try {
      await outcomeOf(signal, (resolve, reject) => {
        child.once('error', reject);
        bound.on('error', () => {});
        bound.once('data', () => resolve());
        bound.once('close', () => resolve());
        // the streams end with this start, and their listeners with them
        return () => undefined;
      });
    } finally {
      bound.destroy();
    }
  } finally {
    await log.close();
  }
}

async function openLog(path: string) {
  const size = await stat(path).then(
    (file) => file.size,
    () => 0,
  );
  if (size > LOG) await rename(path, `${path}.1`);
  return open(path, 'a', 0o600);
}
