import { type ChildProcess, spawn } from 'node:child_process';
import type { Server } from 'node:net';
import { userInfo } from 'node:os';
import type { Writable } from 'node:stream';
import { accounts, argumentText, DESCRIPTORS, sandboxArguments } from './arguments.ts';
import { lookAtSystem } from './system-view.ts';

export interface SandboxOptions {
  /** Path of bubblewrap. */
  readonly bwrap: string;
  /** The command inside: an absolute path, and arguments. */
  readonly command: readonly string[];
  readonly home: string | undefined;
  /** Files and folders of this project that the command needs; see {@link SandboxPlan}. */
  readonly programs: readonly string[];
  /** Files and folders of the agent that are hidden from the sandbox. */
  readonly secret: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** A listening server that the command gets as file descriptor 4. */
  readonly viewers?: Server;
}

/**
 * Starts a program in a sandbox of its own. Its descriptors 0 to 3, and 8, are pipes. The program and everything it started end with this
 * process.
 */
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
    // the process may have ended before it read them: its exit is reported
    pipe?.on('error', () => {});
    pipe?.end(text);
  };
  feed(DESCRIPTORS.arguments, argumentText(args));
  feed(DESCRIPTORS.passwd, files.passwd);
  feed(DESCRIPTORS.group, files.group);
  child.stdin?.on('error', () => {});
  return child;
}

/** Node has the descriptor only in a handle that its types don't declare. */
function descriptorOf(server: Server): number {
  const descriptor = (server as unknown as { _handle?: { fd?: unknown } })._handle?.fd;
  if (typeof descriptor === 'number' && descriptor >= 0) return descriptor;
  throw new Error('this version of Node does not tell the file descriptor of a socket: set SESSION_ISOLATION=none');
}
