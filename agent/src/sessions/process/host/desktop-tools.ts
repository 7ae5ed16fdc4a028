import type { Readable } from 'node:stream';
import type { Clock } from 'clock-port';

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
