import { type ChildProcess, spawn } from 'node:child_process';
import type { Server } from 'node:net';
import { userInfo } from 'node:os';
import type { Writable } from 'node:stream';
import { accounts, argumentText, DESCRIPTORS, sandboxArguments } from './arguments.ts';
import { lookAtSystem } from './system-view.ts';

export interface SandboxOptions {
  /** Path of bubblewrap. */
  readonly bwrap: string;
  /** What runs inside: an absolute path, and arguments. */
  readonly command: readonly string[];
  readonly home: string | undefined;
  /** Files and folders of ours that the command needs; see {@link SandboxPlan}. */
  readonly programs: readonly string[];
  /** Files and folders of the agent that must not be seen. */
  readonly secret: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Handed to the command as file descriptor 4, listening. */
  readonly viewers?: Server;
}

/** A program in a sandbox of its own. Its descriptors 0 to 3, and 8, are pipes. It dies with this process, and with it everything it started. */
export async function startSandbox(options: SandboxOptions): Promise<ChildProcess> {
  const { bwrap, command, home, programs, secret, env, viewers } = options;
  const { uid, gid } = userInfo();
  const view = await lookAtSystem(secret);
  const args = sandboxArguments({ view, home, programs, uid, gid });
  const files = accounts({ uid, gid }, env['SHELL'] ?? '/bin/sh');
  const socket = viewers === undefined ? 'ignore' : descriptorOf(viewers);
  const child = spawn(bwrap, ['--args', `${DESCRIPTORS.arguments}`, ...command], {
    env: { ...env },
    stdio: Array.from({ length: 9 }, (_, descriptor) => (descriptor === DESCRIPTORS.viewers ? socket : 'pipe')),
  });
  const feed = (descriptor: number, text: string) => {
    const pipe = child.stdio[descriptor] as Writable | null;
    // it may have ended before it read them: its exit tells
    pipe?.on('error', () => {});
    pipe?.end(text);
  };
  feed(DESCRIPTORS.arguments, argumentText(args));
  feed(DESCRIPTORS.passwd, files.passwd);
  feed(DESCRIPTORS.group, files.group);
  child.stdin?.on('error', () => {});
  return child;
}

/** Node says it of a handle only, which its types keep to themselves. */
function descriptorOf(server: Server): number {
  const descriptor = (server as unknown as { _handle?: { fd?: unknown } })._handle?.fd;
  if (typeof descriptor === 'number' && descriptor >= 0) return descriptor;
  throw new Error('this version of Node does not tell the file descriptor of a socket: set SESSION_ISOLATION=none');
}
