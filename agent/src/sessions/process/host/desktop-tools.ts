import type { Readable } from 'node:stream';
import type { Clock } from 'clock-port';

/** Takes the output of the session's programs. */
export interface Output {
  /** Copies a stream until it ends. */
  copy(stream: Readable): Promise<void>;
  close(): Promise<void>;
}

/** The parts of the machine that desktops need besides their order. */
export interface DesktopTools {
  readonly clock: Clock;
  readonly log: (message: string) => void;
  readonly output: () => Output;
  /** Signals a process, or a process group (negative pid). Throws when there is none. */
  readonly kill: (pid: number, signal: NodeJS.Signals) => void;
}
