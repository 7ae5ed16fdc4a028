import { readdir, readFile } from 'node:fs/promises';
import { type Clock, sleep } from 'clock-port';

/** Environment variable of all processes of one start of a session: `<session id>.<number of the start>`. */
export const START_VARIABLE = 'STREAMSPACE_START';

const LIMIT_MS = 5_000;
const LOOK_MS = 10;

/**
 * Ends processes that a session left running after the end of its desktop: daemons and programs started with nohup. Resolves with the number
 * of those that did not end in time, or 0. Uses /proc; without it (macOS), such processes stay.
 */
export async function endStragglers(
  id: string,
  instance: number,
  kill: (pid: number, signal: 'SIGKILL') => void,
  clock: Clock,
): Promise<number> {
  const mark = `\0${START_VARIABLE}=${id}.${instance}\0`;
  for (const since = clock.monotonic(); ; await sleep(clock, LOOK_MS)) {
    const found = await marked(mark);
    if (found.length === 0 || clock.monotonic() - since > LIMIT_MS) return found.length;
    for (const pid of found) {
      try {
        kill(pid, 'SIGKILL');
      } catch {
        // the process ended meanwhile
      }
    }
  }
}

async function marked(mark: string): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(name)) continue;
    // unreadable: another user's process, or an ended one
    const env = await readFile(`/proc/${name}/environ`, 'latin1').catch(() => '');
    if (`\0${env}\0`.includes(mark)) found.push(Number(name));
  }
  return found;
}
