import type { Duplex } from 'node:stream';
import type { Capacity, Platform, SessionIsolation, SessionSpec, SessionStatus } from '@streamspace/protocol';

/**
 * Who asks, and for how long it may take. Every change carries it, so that a platform can tell a repeated command from a new one
 * and refuse what a superseded leader still has in flight.
 */
export interface Operation {
  readonly commandId: string;
  /** Term under which the command was received (design I1). */
  readonly term: number;
  /** Aborts at the command's timeout, at the loss of leadership and at shutdown. */
  readonly signal: AbortSignal;
  /** One of the operations that may go on at once: whoever waits for a platform that does not answer leaves it to others meanwhile. */
  readonly slot?: Slot;
}

export interface Slot {
  /** The operation waits for the platform, for that reason. */
  leave(reason: string): void;
  /** It is answered: resolves when it may go on. Rejects when the signal aborts before. */
  regain(signal: AbortSignal): Promise<void>;
}

/**
 * A place that runs sessions: this machine, a Kubernetes namespace, a Docker host.
 *
 * Contract (see test/contract/driver.ts), for every method:
 * - asking twice has the effect once: names derive from the session's id, what is there already is success;
 * - an operation whose term is lower than one already applied to the session throws `superseded` and changes nothing;
 * - a session whose record can't be read is listed as `failed`, with the reason; it can be deleted, everything else throws `driver_failed` and
 *   changes nothing;
 * - it settles soon after its signal aborts, and throws a {@link StreamSpaceError} (`driver_failed`, `not_found`, `session_exists`, `disk_full`, …).
 */
export interface SessionDriver {
  readonly platform: Platform;
  /** What stands between sessions here; undefined where the platform always isolates them. */
  readonly isolation?: SessionIsolation;

  /** What sessions may use here altogether. */
  capacity(signal: AbortSignal): Promise<Capacity>;

  /** Starts the session and resolves when its screen can be reached (state `running`). `session_exists` if the id belongs to another spec. */
  create(spec: SessionSpec, operation: Operation): Promise<SessionStatus>;

  /**
   * Removes the session, and resolves when nothing of it runs any more; its home only with `deleteHome`, and if no other session that is to
   * stay lives in it. A session that is not there is success.
   */
  delete(sessionId: string, options: { deleteHome: boolean }, operation: Operation): Promise<void>;

  /** Stops what runs, resolves when that has ended, and keeps home and identity. Throws `not_found`. */
  hibernate(sessionId: string, operation: Operation): Promise<SessionStatus>;

  /** Starts a hibernated session again, same identity, same home; resolves like `create`. Throws `not_found`. */
  wake(sessionId: string, operation: Operation): Promise<SessionStatus>;

  /**
   * Keeps the hub's proof with the session's spec [SES6], in the place of what is there: `list` says it from then on. A session that is not
   * there, or of another agent, is left alone.
   */
  prove(sessionId: string, proof: string, signal: AbortSignal): Promise<void>;

  /** All sessions of this agent here, those made by earlier leaders included. */
  list(signal: AbortSignal): Promise<SessionStatus[]>;

  /**
   * A new connection to the session's screen (RFB). As often as wanted.
   * Throws `not_found`, `session_not_running`, `screen_unreachable`.
   */
  connect(sessionId: string, signal: AbortSignal): Promise<Duplex>;

  /** Reports sessions that change by themselves (a crash) until the signal aborts, then resolves. `undefined` status: gone. */
  watch(onChange: (sessionId: string, status: SessionStatus | undefined) => void, signal: AbortSignal): Promise<void>;

  /** What keeps the platform from doing what it is asked for, in words; undefined: nothing that is known. */
  readonly trouble?: string | undefined;

  /** Calls back when {@link SessionDriver.trouble} may have changed. Returns how to stop it. */
  onTrouble?(listener: () => void): () => void;
}
