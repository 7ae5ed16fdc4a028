import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';

/** What is needed of Node's `process`: pass that. */
export interface ProcessTable {
  readonly pid: number;
  /** With signal 0: throws ESRCH when there is no such process. */
  kill(pid: number, signal: 0): unknown;
}

/** Names a process such that no other, before or after it, on this or another machine, has the same name. */
export interface ProcessTag {
  /** The machine since its boot, and the process id namespace on it. */
  readonly machine: string;
  readonly pid: number;
  /** Clock ticks after boot at which the process started; `0` where the system does not say. */
  readonly startedAt: string;
}

/** This process' tag. */
export async function ownTag(processes: ProcessTable): Promise<ProcessTag> {
  const { pid } = processes;
  const [boot, namespace, stat] = await Promise.all([
    readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => ''),
    readlink('/proc/self/ns/pid').catch(() => ''),
    readStat(pid),
  ]);
  const machine = boot
    ? `${boot.slice(0, 8)}.${/\d+/.exec(namespace)?.[0] ?? '0'}`
    : hostname().replaceAll(/[^\w.-]/g, '-');
  return { machine, pid, startedAt: stat?.startedAt ?? '0' };
}

/** `name@machine:pid:startedAt`: an identity for a lease from which other processes on the machine can tell whether it lives. */
export function taggedIdentity(name: string, { machine, pid, startedAt }: ProcessTag): string {
  return `${name}@${machine}:${pid}:${startedAt}`;
}

/** The reverse of {@link taggedIdentity}; `undefined` when the identity carries no tag. */
export function tagOf(identity: string): ProcessTag | undefined {
  const match = /@([\w.-]+):(\d+):(\d+)$/.exec(identity);
  return match ? { machine: match[1]!, pid: Number(match[2]), startedAt: match[3]! } : undefined;
}

/** Whether both processes run on one kernel, maybe in containers with process ids of their own. */
export function isSameHost(one: ProcessTag, other: ProcessTag): boolean {
  const boot = ({ machine }: ProcessTag) => /^([0-9a-f]{8})\.\d+$/.exec(machine)?.[1];
  return boot(one) !== undefined && boot(one) === boot(other);
}

/** Whether the process is gone, in words; `undefined` while it lives, or when this machine can't tell. */
export async function goneEvidence(
  tag: ProcessTag,
  own: ProcessTag,
  processes: ProcessTable,
): Promise<string | undefined> {
  if (tag.machine !== own.machine) return undefined;
  const stat = await readStat(tag.pid);
  if (stat) {
    if (stat.startedAt !== tag.startedAt && tag.startedAt !== '0') return `process ${tag.pid} is another one by now`;
    return stat.dead ? `process ${tag.pid} is dead` : undefined;
  }
  try {
    processes.kill(tag.pid, 0);
    return undefined;
  } catch (error) {
    // EPERM: it lives, and is somebody else's
    return (error as { code?: string }).code === 'ESRCH' ? `process ${tag.pid} is gone` : undefined;
  }
}

async function readStat(pid: number): Promise<{ dead: boolean; startedAt: string } | undefined> {
  let text: string;
  try {
    text = await readFile(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // the second field is the program's name in parentheses and may hold anything; state is the 3rd, start time the 22nd field
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { dead: /[ZXx]/.test(fields[0] ?? ''), startedAt: fields[19] ?? '0' };
}
