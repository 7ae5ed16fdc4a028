import type { Clock } from 'clock-port';
import type { DriverLog } from '../core/driver-log.ts';
import type { HostOrder } from './host-messages.ts';
import type { Isolation } from './isolation.ts';

/** Points at which the driver may lose its process; a test's hook that throws there is a crash. */
export type CrashPoint = 'record written' | 'host bound' | 'host ended' | 'home removed' | 'files removed';

export interface ProcessDriverOptions {
  readonly agentId: string;
  /** Folder of records, homes and sockets, shared by all replicas of the agent on this machine. Absolute. */
  readonly stateDir: string;
  /** Takes the sockets when `stateDir` is too long for them. Absolute. */
  readonly tmpDir: string;
  readonly clock: Clock;
  readonly log: DriverLog;
  /** How a session host is started, e.g. `[process.execPath, '/…/dist/session-host.js']`. */
  readonly hostCommand: readonly string[];
  /** The agent's environment; sessions see `PATH`, the locale and the user of it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `process.kill`: for a session host that does not end when asked. */
  readonly kill: (pid: number, signal: 'SIGKILL') => void;
  readonly maxSessions: number;
  readonly isolation: Isolation;
  /** Files and folders besides `stateDir` that no session may see. Absolute. */
  readonly secret?: readonly string[];
  /** `auto`: Xvnc where the machine has it. */
  readonly desktop?: HostOrder['desktop'];
  /** How long a session host may take to end before it is killed, milliseconds; more than it gives its desktop (12 s) by default. */
  readonly stopMs?: number;
  /** For tests: called at every {@link CrashPoint}. */
  readonly step?: (step: CrashPoint, sessionId: string) => void | Promise<void>;
}
