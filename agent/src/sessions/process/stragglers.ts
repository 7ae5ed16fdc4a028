import { readdir, readFile } from 'node:fs/promises';

/** Environment variable that everything of one start of a session carries: `<session id>.<number of the start>`. */
export const START_VARIABLE = 'STREAMSPACE_START';

/**
 * Kills what a start of a session left running although its desktop ended: daemons and what was started with nohup.
 * Looks into /proc; where there is none (macOS), such processes stay.
 */
export async function killStragglers(
  id: string,
  instance: number,
  kill: (pid: number, signal: 'SIGKILL') => void,
): Promise<void> {
  const mark = `\0${START_VARIABLE}=${id}.${instance}\0`;
  for (const name of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(name)) continue;
    // unreadable: somebody else's, or gone
    const env = await readFile(`/proc/${name}/environ`, 'latin1').catch(() => '');
    if (!`\0${env}\0`.includes(mark)) continue;
    try {
      kill(Number(name), 'SIGKILL');
    } catch {
      // it ended meanwhile
    }
  }
}
