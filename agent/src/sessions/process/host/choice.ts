import { builtinDesktop } from '@streamspace/desktop';
import type { HostOrder } from '../host-messages.ts';
import type { Desktop, DesktopOrder } from './desktop.ts';
import type { DesktopTools } from './desktop-tools.ts';
import { type CommandLine, findPrograms, which } from './programs.ts';
import { xvncDesktop } from './xvnc.ts';

/**
 * The desktop to run: Xvnc if it and a terminal are installed, otherwise the built-in one. A template with a program needs Xvnc and that
 * program; rejects with the name of the missing part.
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

async function named(program: string, path: string): Promise<CommandLine> {
  const [name = '', ...args] = program.split(/\s+/);
  const found = await which(name, path);
  if (!found)
    throw new Error(`This machine lacks ${name}, which the template starts: install it, or choose another template`);
  return [found, ...args];
}
