import { LIMITS, type SessionStatus, StreamSpaceError } from '@streamspace/protocol';

/** Pages of one agent's report that is not complete, without what the hub has no use for; bounded in sessions and in bytes. */
export class ReportPages {
  readonly sessions: SessionStatus[] = [];
  #bytes = 0;

  /** Throws `message_too_large` when it is more than a report may be. */
  add(page: readonly SessionStatus[]): void {
    for (const { spec, ...status } of page) {
      const kept: SessionStatus = { ...status, spec: { ...spec, image: '', env: {} } };
      this.sessions.push(kept);
      this.#bytes += JSON.stringify(kept).length;
      if (this.sessions.length > LIMITS.reportedSessions)
        throw new StreamSpaceError('message_too_large', `a report of more than ${LIMITS.reportedSessions} sessions`);
      if (this.#bytes > LIMITS.report)
        throw new StreamSpaceError('message_too_large', `a report of more than ${LIMITS.report} characters`);
    }
  }
}
