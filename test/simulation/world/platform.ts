import { type SessionSpec, type SessionStatus, StreamSpaceError } from '@streamspace/protocol';
import type { Operation, SessionDriver } from '../../../agent/src/sessions/driver.ts';

interface Placed {
  status: SessionStatus | undefined;
  /** The highest term that has changed it: kept when the session goes, as a driver's contract has it. */
  term: number;
  createdBy: string;
}

/** What really runs, whoever leads: it counts what was done to it. A driver on it keeps the drivers' contract and nothing more. */
export class Platform implements SessionDriver {
  readonly platform = 'process';
  readonly sessions = new Map<string, Placed>();
  /** How often each command changed something. */
  readonly effects = new Map<string, number>();
  /** Operations of a superseded leader that came late and were refused. */
  refusedLate = 0;

  capacity = async () => ({ cpu: 1e6, memory: 2 ** 50, max_sessions: 10_000 });
  list = async () => [...this.sessions.values()].flatMap(({ status }) => status ?? []);
  prove = async (id: string, proof: string) => {
    const there = this.sessions.get(id);
    if (there?.status !== undefined) there.status = { ...there.status, spec: { ...there.status.spec, proof } };
  };
  connect = () => Promise.reject(new StreamSpaceError('screen_unreachable', 'no screens in this simulation'));
  watch = (_onChange: unknown, signal: AbortSignal) =>
    new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });

  async create(spec: SessionSpec, operation: Operation): Promise<SessionStatus> {
    const there = this.#enter(spec.id, operation);
    if (there.status !== undefined) {
      if (there.createdBy !== operation.commandId)
        throw new StreamSpaceError('session_exists', `${spec.id} is another command's`);
      return there.status;
    }
    there.createdBy = operation.commandId;
    return this.#change(there, { spec, state: 'running' }, operation);
  }

  async delete(id: string, _options: unknown, operation: Operation): Promise<void> {
    const there = this.#enter(id, operation);
    if (there.status === undefined) return;
    there.status = undefined;
    this.#count(operation);
  }

  hibernate = async (id: string, operation: Operation) => this.#turn(id, 'hibernated', operation);
  wake = async (id: string, operation: Operation) => this.#turn(id, 'running', operation);

  #turn(id: string, state: 'hibernated' | 'running', operation: Operation): SessionStatus {
    const there = this.#enter(id, operation);
    if (there.status === undefined) throw new StreamSpaceError('not_found', `no session ${id}`);
    if (there.status.state === state) return there.status;
    return this.#change(there, { spec: there.status.spec, state }, operation);
  }

  #enter(id: string, { term }: Operation): Placed {
    const there = this.sessions.get(id) ?? { status: undefined, term: 0, createdBy: '' };
    if (term < there.term) {
      this.refusedLate++;
      throw new StreamSpaceError('superseded', `term ${there.term} has changed ${id}`);
    }
    there.term = term;
    this.sessions.set(id, there);
    return there;
  }

  #change(there: Placed, status: SessionStatus, operation: Operation): SessionStatus {
    there.status = status;
    this.#count(operation);
    return status;
  }

  #count({ commandId }: Operation): void {
    this.effects.set(commandId, (this.effects.get(commandId) ?? 0) + 1);
  }
}
