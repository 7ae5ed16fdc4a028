import type { Command } from '@streamspace/protocol';
import type { CommandRecord } from '../store/store.ts';

/** Most commands in flight to one agent; it runs MAX_CONCURRENT_OPERATIONS of them, the others wait there. */
const MAX_IN_FLIGHT = 64;
/** Most commands that wait here because another command of their session is in flight; above that, the rest of the queue has to wait, too. */
const MAX_WAITING = 1_024;
/** Most commands whose end may still be lost: with more, the store's replicas have been missing for a while, and the queue waits for them. */
const MAX_UNSETTLED = 1_024;
/** A delete cancels these commands: it is sent while one of them is in flight. */
const STARTS: ReadonlySet<Command['action']> = new Set(['create_session', 'wake_session']);

/** Whether the action makes a session run. */
export function isStart(action: Command['action']): boolean {
  return STARTS.has(action);
}

/** Time of the next question about a command, on the monotonic clock, and its distance from the previous one; milliseconds. */
interface Unanswered {
  readonly at: number;
  readonly afterMs: number;
}

/**
 * The commands of one link, and the order of sending: commands of one session one after the other in the order of acceptance, except a delete,
 * which is sent at once to cancel a start; commands of different sessions in parallel [CMD5].
 */
export class CommandWindow {
  /** In flight, as they were when they were sent. */
  readonly #inFlight = new Map<string, CommandRecord>();
  /** Those of them without an ack. */
  readonly #unanswered = new Map<string, Unanswered>();
  /** Ended by the agent, with an end that a failover of the store might lose. */
  readonly #unsettled = new Map<string, CommandRecord>();
  /** Read but not sent: another command of the session is in flight, or too many are. In the order of acceptance. */
  readonly #waiting = new Map<string, CommandRecord>();

  get inFlight(): number {
    return this.#inFlight.size;
  }

  get unsettled(): number {
    return this.#unsettled.size;
  }

  /** Whether one more command may be sent. */
  get hasRoom(): boolean {
    return this.#inFlight.size < MAX_IN_FLIGHT && this.#unsettled.size < MAX_UNSETTLED;
  }

  /** Whether more of the queue may be read. */
  get mayRead(): boolean {
    return this.#waiting.size < MAX_WAITING;
  }

  /** The command in flight with this id. */
  sent(id: string): CommandRecord | undefined {
    return this.#inFlight.get(id);
  }

  /** Adds commands that were read from the queue. */
  add(commands: readonly CommandRecord[]): void {
    for (const command of commands) if (!this.#inFlight.has(command.id)) this.#waiting.set(command.id, command);
  }

  /** Called before the queue is read from its beginning. */
  forgetWaiting(): void {
    this.#waiting.clear();
  }

  /** Removes and returns the waiting commands that can be sent now; drops `expired` ones. */
  take(expired: (command: CommandRecord) => boolean): CommandRecord[] {
    const busy = new Set<string>();
    const uncancelled = new Set<string>();
    for (const known of [this.#inFlight, this.#unsettled]) {
      for (const { session, action } of known.values()) {
        if (session === null) continue;
        busy.add(session);
        if (known === this.#unsettled || !isStart(action)) uncancelled.add(session);
      }
    }
    const sendable: CommandRecord[] = [];
    for (const command of this.#waiting.values()) {
      if (this.#inFlight.size + sendable.length >= MAX_IN_FLIGHT) break;
      // over for all replicas: another one may have sent the session's next command already
      if (expired(command)) {
        this.#waiting.delete(command.id);
        continue;
      }
      if (command.session !== null) {
        const cancels = command.action === 'delete_session' && !uncancelled.has(command.session);
        const waits = busy.has(command.session) && !cancels;
        busy.add(command.session);
        uncancelled.add(command.session);
        if (waits) continue;
      }
      sendable.push(command);
    }
    for (const { id } of sendable) this.#waiting.delete(id);
    return sendable;
  }

  /** The command is in flight; its question is due at `at` (monotonic milliseconds) without an answer by then. */
  sending(command: CommandRecord, at: number, afterMs: number): void {
    this.#inFlight.set(command.id, command);
    this.#unanswered.set(command.id, { at, afterMs });
  }

  /** The agent has begun the command. */
  acked(id: string): void {
    this.#unanswered.delete(id);
  }

  /** The commands whose question is due. */
  *overdue(now: number): Generator<{ command: CommandRecord; afterMs: number }> {
    for (const [id, { at, afterMs }] of this.#unanswered) {
      const command = this.#inFlight.get(id);
      if (at <= now && command !== undefined) yield { command, afterMs };
    }
  }

  /** The command is no longer in flight. False if it was not, or (`attempt` given) was by another attempt. */
  forget(id: string, attempt?: number): boolean {
    const known = this.#inFlight.get(id);
    if (known === undefined || (attempt !== undefined && known.attempt !== attempt)) return false;
    this.#inFlight.delete(id);
    this.#unanswered.delete(id);
    return true;
  }

  /** The command's end is stored, but may be lost: its session stays busy. False if it was not in flight by this attempt. */
  unsettle(id: string, attempt: number): boolean {
    const ended = this.#inFlight.get(id);
    if (ended?.attempt !== attempt) return false;
    this.#unsettled.set(id, ended);
    return this.forget(id);
  }

  settled(id: string): void {
    this.#unsettled.delete(id);
  }
}
