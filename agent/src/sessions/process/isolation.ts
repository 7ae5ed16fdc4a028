import type { SessionIsolation } from '@streamspace/protocol';
import { type Clock, withDeadline } from 'clock-port';
import { which } from './host/programs.ts';
import { startSandbox } from './sandbox/bwrap.ts';

export const ISOLATION_MODES = ['auto', 'required', 'none'] as const;
/** SESSION_ISOLATION: what is asked for. */
export type IsolationMode = (typeof ISOLATION_MODES)[number];

/** How sessions are kept apart on this machine. */
export interface Isolation {
  readonly state: SessionIsolation;
  /** Path of bubblewrap; only where `state` is `isolated`. */
  readonly bwrap?: string;
  /** Why sessions are not isolated though they should be, with the remedy. */
  readonly reason?: string;
}

const PROBE_MS = 10_000;
const LAST_WORDS = 300;

/** What is in force for a wish, given what is in the way of isolation (empty: nothing). */
export function isolationOf(mode: IsolationMode, bwrap: string, obstacle: string): Isolation {
  if (mode === 'none') return { state: 'shared' };
  if (obstacle === '') return { state: 'isolated', bwrap };
  return {
    state: mode === 'required' ? 'refused' : 'one_user',
    reason: `Sessions can't be isolated on this machine (${obstacle}): install bubblewrap (Debian: apt-get install bubblewrap), allow user namespaces, and start the agent again`,
  };
}

/** Asks the machine, by running once what will hold every session. `program`: any that is shown to sessions, and ends by itself. */
export async function findIsolation(
  mode: IsolationMode,
  env: Readonly<Record<string, string | undefined>>,
  program: readonly string[],
  clock: Clock,
): Promise<Isolation> {
  if (mode === 'none') return isolationOf(mode, '', '');
  const bwrap = await which('bwrap', env['PATH'] ?? '');
  if (bwrap === undefined) return isolationOf(mode, '', 'bwrap is not on PATH');
  return isolationOf(mode, bwrap, await obstacle(bwrap, program, clock));
}

async function obstacle(bwrap: string, command: readonly string[], clock: Clock): Promise<string> {
  const programs = [command[0]!];
  const child = await startSandbox({ bwrap, command, home: undefined, programs, secret: [], env: {} });
  let words = '';
  child.stdout?.resume();
  child.stderr?.on('data', (chunk: Buffer) => (words = (words + chunk.toString()).slice(-LAST_WORDS)));
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(code === 0 ? '' : words.trim() || `${bwrap}: ${signal ?? code}`));
  });
  try {
    return await withDeadline(clock, PROBE_MS, `run of ${bwrap}`, undefined, () => ended);
  } catch (error) {
    child.kill('SIGKILL');
    return (error as Error).message;
  }
}
