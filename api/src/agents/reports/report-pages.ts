import { LIMITS, type SessionStatus, StreamSpaceError } from '@streamspace/protocol';
import { provable, type Provable, type Provenance, type SessionProofs } from '../../sessions/proof.ts';

/** A reported session, without fields that the hub does not need, and whether a hub has made it. */
export interface Reported {
  readonly status: SessionStatus;
  readonly about: Provable;
  readonly provenance: Provenance;
}

export function reported(proofs: SessionProofs, agent: string, { spec, ...status }: SessionStatus): Reported {
  const about = provable(agent, spec);
  const { proof, ...rest } = spec;
  return {
    about,
    provenance: proofs.check(about, proof),
    status: { ...status, spec: { ...rest, image: '', env: {} } },
  };
}

/** Pages of one agent's incomplete report; bounded in sessions and in bytes. */
export class ReportPages {
  readonly sessions: Reported[] = [];
  readonly #proofs: SessionProofs;
  readonly #agent: string;
  #bytes = 0;

  constructor(proofs: SessionProofs, agent: string) {
    this.#proofs = proofs;
    this.#agent = agent;
  }

  /** Throws `message_too_large` beyond the bounds of a report. */
  add(page: readonly SessionStatus[]): this {
    for (const each of page) {
      const kept = reported(this.#proofs, this.#agent, each);
      this.sessions.push(kept);
      this.#bytes += JSON.stringify(kept).length;
      if (this.sessions.length > LIMITS.reportedSessions)
        throw new StreamSpaceError('message_too_large', `a report of more than ${LIMITS.reportedSessions} sessions`);
      if (this.#bytes > LIMITS.report)
        throw new StreamSpaceError('message_too_large', `a report of more than ${LIMITS.report} characters`);
    }
    return this;
  }
}
