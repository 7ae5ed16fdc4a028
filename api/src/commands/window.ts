import type { Command } from '@streamspace/protocol';
import type { CommandRecord } from '../store/store.ts';

/** Commands that may be with one agent at a time; it runs MAX_CONCURRENT_OPERATIONS of them, the others wait there. */
const MAX_IN_FLIGHT = 64;
/** Commands that may wait here for those of their sessions that are with the agent; with more, the rest of the queue has to wait, too. */
const MAX_WAITING = 1_024;
/** Commands whose end may still be lost, at most: with more the store's replicas have been missing for a while, and the queue waits for them. */
const MAX_UNSETTLED = 1_024;
/** A delete cancels these: it goes out while the agent has one of them. */
const STARTS: ReadonlySet<Command['action']> = new Set(['create_session', 'wake_session']);

/** Whether it makes a session run. */
export function isStart(action: Command['action']): boolean {
  return STARTS.has(action);
}

/** When to ask for a command, on the monotonic clock, and how long that is after the last time; milliseconds. */
interface Unanswered {
  readonly at: number;
  readonly afterMs: number;
}

/**
 * The commands of one link, and which of them may go out next: those of one session one after the other in the order of acceptance, but a
 * delete at once, to cancel a start; those of different sessions side by side [CMD5].
 */
export class CommandWindow {
  /** With the agent, as they were when they were sent. */
  readonly #inFlight = new Map<string, CommandRecord>();
  /** Of those, the ones without an ack. */
  readonly #unanswered = new Map<string, Unanswered>();
  /** Ended by the agent, with an end that a failover of the store might lose. */
  readonly #unsettled = new Map<string, CommandRecord>();
  /** Read, and not sent: another of their session is with the agent, or too many are. In the order of acceptance. */
  readonly #waiting = new Map<string, CommandRecord>();

  get inFlight(): number {
    return this.#inFlight.size;
  }

  get unsettled(): number {
    return this.#unsettled.size;
  }

  /** Whether one more may go out. */
  get hasRoom(): boolean {
    return this.#inFlight.size < MAX_IN_FLIGHT && this.#unsettled.size < MAX_UNSETTLED;
  }

  /** Whether more of the queue may be read. */
  get mayRead(): boolean {
    return this.#waiting.size < MAX_WAITING;
  }

  /** What is with the agent. */
  sent(id: string): CommandRecord | undefined {
    return this.#inFlight.get(id);
  }

  /** Read from the queue. */
  add(commands: readonly CommandRecord[]): void {
    for (const command of commands) if (!this.#inFlight.has(command.id)) this.#waiting.set(command.id, command);
  }

  /** The queue is read from its beginning. */
  forgetWaiting(): void {
    this.#waiting.clear();
  }

  /** Takes out of the waiting ones what can be sent now; an `expired` one is dropped. */
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
      // over, whichever replica says so: another one may have let the next of its session go out
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

  /** It is with the agent, which is to be asked at `at` (monotonic milliseconds) if it has not answered by then. */
  sending(command: CommandRecord, at: number, afterMs: number): void {
    this.#inFlight.set(command.id, command);
    this.#unanswered.set(command.id, { at, afterMs });
  }

  /** The agent has begun with it. */
  acked(id: string): void {
    this.#unanswered.delete(id);
  }

  /** What the agent is to be asked for by now. */
  *overdue(now: number): Generator<{ command: CommandRecord; afterMs: number }> {
    for (const [id, { at, afterMs }] of this.#unanswered) {
      const command = this.#inFlight.get(id);
      if (at <= now && command !== undefined) yield { command, afterMs };
    }
  }

  /** It is not with the agent any more. False where it was not, or (`attempt` given) was by another attempt. */
  forget(id: string, attempt?: number): boolean {
    const known = this.#inFlight.get(id);
    if (known === undefined || (attempt !== undefined && known.attempt !== attempt)) return false;
    this.#inFlight.delete(id);
    this.#unanswered.delete(id);
    return true;
  }

  /** Its end is stored, but may be lost: its session stays busy. False where it was not with the agent by this attempt. */
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
