import type { SessionStatus } from '@streamspace/protocol';

/** What this leader knows of its sessions, from reports, commands and the platform's own changes. */
export class SessionBook {
  #sessions = new Map<string, SessionStatus>();

  /** A complete report of the platform. */
  replace(sessions: readonly SessionStatus[]): void {
    this.#sessions = new Map(sessions.map((session) => [session.spec.id, session]));
  }

  set(status: SessionStatus): void {
    this.#sessions.set(status.spec.id, status);
  }

  get(id: string): SessionStatus | undefined {
    return this.#sessions.get(id);
  }

  /** False when it was not there. */
  delete(id: string): boolean {
    return this.#sessions.delete(id);
  }

  /** Ids of the sessions that run. */
  get running(): string[] {
    return [...this.#sessions.values()].filter(({ state }) => state === 'running').map(({ spec }) => spec.id);
  }

  /** Sessions that use the platform now: not hibernated, not failed. */
  get active(): number {
    let count = 0;
    for (const { state } of this.#sessions.values()) if (state === 'running' || state === 'starting') count++;
    return count;
  }
}
