import type { Clock } from 'clock-port';
import type { DriverLog } from '../core/driver-log.ts';
import type { HostOrder } from './host-messages.ts';
import type { Isolation } from './isolation.ts';

/** Points at which the driver may lose its process; an error from a test's hook there simulates a crash. */
export type CrashPoint = 'record written' | 'host bound' | 'host ended' | 'home removed' | 'files removed';

export interface ProcessDriverOptions {
  readonly agentId: string;
  /** Folder of records, homes and sockets, shared by all replicas of the agent on this machine. Absolute. */
  readonly stateDir: string;
  /** Folder for the sockets when `stateDir` is too long for them. Absolute. */
  readonly tmpDir: string;
  readonly clock: Clock;
  readonly log: DriverLog;
  /** Command that starts a session host, e.g. `[process.execPath, '/…/dist/session-host.js']`. */
  readonly hostCommand: readonly string[];
  /** The agent's environment; sessions see only its `PATH`, locale and user. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `process.kill`: for a session host that does not end on request. */
  readonly kill: (pid: number, signal: 'SIGKILL') => void;
  readonly maxSessions: number;
  readonly isolation: Isolation;
  /** Files and folders besides `stateDir` that are hidden from sessions. Absolute. */
  readonly secret?: readonly string[];
  /** `auto`: Xvnc if the machine has it. */
  readonly desktop?: HostOrder['desktop'];
  /** Time for a session host to end before it is killed, milliseconds; default 12 s, more than the host gives its desktop. */
  readonly stopMs?: number;
  /** For tests: called at every {@link CrashPoint}. */
  readonly step?: (step: CrashPoint, sessionId: string) => void | Promise<void>;
}
