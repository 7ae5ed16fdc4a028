import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { until } from './hub-client.ts';

/** The owner of one state folder (`.streamspace`). One launcher at a time uses it. */
export interface Instance {
  folder: string;
  /** Signs the sign-in link; kept, so that an open page still works after a restart. */
  jwtSecret: string;
  enrolmentToken: string;
}

export interface ProcessMark {
  pid: number;
  /** Start time of the process as the kernel counts it: a pid alone may belong to another process by now. */
  started: string;
}

interface Running extends ProcessMark {
  link: string;
  children: ProcessMark[];
  /** The launcher was told to stop, and is about to end. */
  stopping?: true;
  /** The keeper's process, which ends the others when the launcher is killed; absent in a file of an older version. */
  keeper?: ProcessMark;
}

/** Longest time for a keeper to clean up after a killed launcher, or for a launcher to stop, milliseconds. */
const KEEPER_MS = 60_000;

/** Field 22 of /proc/PID/stat; empty where there is no /proc or no such process. */
export function startTime(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

export function alive(process_: ProcessMark): boolean {
  try {
    process.kill(process_.pid, 0);
    return process_.started === startTime(process_.pid);
  } catch {
    return false;
  }
}

class AlreadyRunningError extends Error {}

/** Opens the folder; waits for a launcher that is stopping, ends what a killed one left behind. Throws {@link AlreadyRunningError} when a live one uses it. */
export async function openInstance(folder: string): Promise<Instance> {
  mkdirSync(join(folder, 'logs'), { recursive: true, mode: 0o700 });
  const runFile = join(folder, 'running.json');
  if (existsSync(runFile)) {
    const running = JSON.parse(readFileSync(runFile, 'utf8')) as Running;
    if (running.stopping) await until(() => Promise.resolve(!alive(running)), KEEPER_MS);
    if (alive(running)) {
      throw new AlreadyRunningError(
        `StreamSpace runs here already: ${running.link}\nStop that one first (Ctrl-C, or: kill ${running.pid}), or give this one a folder of its own: STATE_DIR=… npm start`,
      );
    }
    const { keeper } = running;
    if (keeper !== undefined) await until(() => Promise.resolve(!alive(keeper)), KEEPER_MS);
    for (const child of running.children) if (alive(child)) process.kill(child.pid, 'SIGKILL');
    rmSync(runFile, { force: true });
  }
  const secretsFile = join(folder, 'secrets.json');
  if (!existsSync(secretsFile)) {
    const secrets = {
      jwtSecret: randomBytes(32).toString('base64url'),
      enrolmentToken: `sse_${randomBytes(32).toString('base64url')}`,
    };
    writeAtomically(secretsFile, JSON.stringify(secrets));
  }
  return {
    folder,
    ...(JSON.parse(readFileSync(secretsFile, 'utf8')) as { jwtSecret: string; enrolmentToken: string }),
  };
}

export function recordRunning(
  instance: Instance,
  link: string,
  children: (number | undefined)[],
  keeper: number | undefined,
): void {
  const described = (pid: number) => ({ pid, started: startTime(pid) });
  const running: Running = {
    ...described(process.pid),
    link,
    children: children.filter((pid) => pid !== undefined).map(described),
    ...(keeper !== undefined && { keeper: described(keeper) }),
  };
  writeAtomically(join(instance.folder, 'running.json'), JSON.stringify(running));
}

/** State of the three replicas. */
export const agentStateDir = ({ folder }: Instance): string => join(folder, 'agent');

/** From now on another launcher here waits for this one. */
export function recordStopping(instance: Instance): void {
  const file = runFileOf(instance);
  if (!existsSync(file)) return;
  writeAtomically(file, JSON.stringify({ ...(JSON.parse(readFileSync(file, 'utf8')) as Running), stopping: true }));
}

export const runFileOf = ({ folder }: Instance): string => join(folder, 'running.json');

export function closeInstance(instance: Instance): void {
  rmSync(runFileOf(instance), { force: true });
}

function writeAtomically(file: string, text: string): void {
  writeFileSync(`${file}.new`, text, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** Whether the port is free. */
export function isFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}

/** `wanted` (PORT) or an error; without it the first free one from 8080 on. */
export async function choosePort(wanted: string | undefined, host: string): Promise<number> {
  if (wanted !== undefined && wanted !== '') {
    const port = Number(wanted);
    if (!Number.isInteger(port) || port < 1 || port > 65_535)
      throw new Error(`PORT=${wanted}: a port is a whole number from 1 to 65535`);
    if (!(await isFree(port, host)))
      throw new Error(`Port ${port} is in use. Give another: PORT=${port === 65_535 ? 8080 : port + 1} npm start`);
    return port;
  }
  for (let port = 8080; port < 8180; port++) if (await isFree(port, host)) return port;
  throw new Error('Ports 8080 to 8179 are all in use. Give another: PORT=… npm start');
}
