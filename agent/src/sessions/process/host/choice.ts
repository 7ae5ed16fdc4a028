import type { Readable } from 'node:stream';
import { builtinDesktop } from '@streamspace/desktop';
import type { Clock } from 'clock-port';
import type { HostOrder } from '../host-messages.ts';
import type { Desktop, DesktopOrder } from './desktop.ts';
import { type Command, findPrograms, which } from './programs.ts';
import { xvncDesktop } from './xvnc.ts';

/** Takes what the session's programs print. */
export interface Output {
  /** Copies a stream until it ends. */
  copy(stream: Readable): Promise<void>;
  close(): Promise<void>;
}

/** What desktops need of the machine besides their order. */
export interface DesktopTools {
  readonly clock: Clock;
  readonly log: (message: string) => void;
  readonly output: () => Output;
  /** Signals a process, or a process group (negative). Throws when there is none. */
  readonly kill: (pid: number, signal: NodeJS.Signals) => void;
}

/**
 * The desktop to run: Xvnc where it and a terminal are installed, otherwise the built-in one. A template that names a program
 * needs Xvnc and the program; rejects with what is missing.
 */
export async function makeDesktop(order: DesktopOrder & DesktopTools, choice: HostOrder['desktop']): Promise<Desktop> {
  const program = order.program.trim();
  if (choice === 'builtin' || program === 'builtin') return builtinDesktop(order);
  const path = order.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin';
  const programs = await findPrograms(path);
  if ('missing' in programs) {
    if (choice === 'auto' && program === '') return builtinDesktop(order);
    throw new Error(`This machine lacks ${programs.missing}: install it, or choose another template`);
  }
  return xvncDesktop(order, programs, program === '' ? programs.terminal : await named(program, path));
}

async function named(program: string, path: string): Promise<Command> {
  const [name = '', ...args] = program.split(/\s+/);
  const found = await which(name, path);
  if (!found)
    throw new Error(`This machine lacks ${name}, which the template starts: install it, or choose another template`);
  return [found, ...args];
}
