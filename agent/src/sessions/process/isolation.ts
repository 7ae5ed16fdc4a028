import type { SessionIsolation } from '@streamspace/protocol';
import { type Clock, withDeadline } from 'clock-port';
import { which } from './host/programs.ts';
import { startSandbox } from './sandbox/bwrap.ts';

export const ISOLATION_MODES = ['auto', 'required', 'none'] as const;
/** SESSION_ISOLATION: the requested isolation. */
export type IsolationMode = (typeof ISOLATION_MODES)[number];

/** The isolation of sessions on this machine. */
export interface Isolation {
  readonly state: SessionIsolation;
  /** Path of bubblewrap; only where `state` is `isolated`. */
  readonly bwrap?: string;
  /** The reason, with the remedy, why sessions are not isolated although they should be. */
  readonly reason?: string;
}

const PROBE_MS = 10_000;
const LAST_WORDS = 300;

/** The isolation in force for a requested mode, given the obstacle to it (empty: none). */
export function isolationOf(mode: IsolationMode, bwrap: string, obstacle: string): Isolation {
  if (mode === 'none') return { state: 'shared' };
  if (obstacle === '') return { state: 'isolated', bwrap };
  return {
    state: mode === 'required' ? 'refused' : 'one_user',
    reason: `Sessions can't be isolated on this machine (${obstacle}): install bubblewrap (Debian: apt-get install bubblewrap), allow user namespaces, and start the agent again`,
  };
}

/** Tests the machine by one run of the same sandbox that sessions get. `program`: any program that sessions can see and that ends by itself. */
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
