import { type SessionSpec, StreamSpaceError } from '@streamspace/protocol';
import type { Operation } from '../driver.ts';
import type { BrokenRecord, SessionRecord } from './record.ts';

/** The record of a session that exists. */
export type LiveRecord = SessionRecord & { readonly spec: SessionSpec; readonly desired: 'running' | 'hibernated' };

/** Throws `superseded` for an operation of a lower term than one that changed the session. */
export function fence(current: SessionRecord | undefined, { term }: Operation): void {
  if (!current || term >= current.term) return;
  throw new StreamSpaceError(
    'superseded',
    `Session ${current.id} has been changed under term ${current.term}, this command is of term ${term}`,
    { term: current.term },
  );
}

/** The record if its session exists and is this agent's; throws `not_found`. */
export function existing(id: string, agentId: string, current: SessionRecord | undefined): LiveRecord {
  if (current && isLive(current) && current.agent === agentId) return current;
  throw new StreamSpaceError('not_found', `There is no session ${id} here`);
}

export function isLive(record: SessionRecord): record is LiveRecord {
  return record.desired !== 'deleted' && record.spec !== undefined;
}

/** What of a session's record outlives its next change. */
export function living(current: SessionRecord | undefined): Partial<SessionRecord> {
  const { delete_home: _, ...lasting } = current ?? {};
  return lasting;
}

/** The record as it is, with the operation's term: what a repeated command leaves behind. */
export function seen(current: SessionRecord, { term }: Operation): SessionRecord {
  return term > current.term ? { ...current, term } : current;
}

/** Whether it is that agent's; one that does not say whose it is is everybody's. */
export const isOf = ({ agent }: { readonly agent: string | undefined }, agentId: string): boolean =>
  agent === undefined || agent === agentId;

/** As what a record that can't be read counts when its session is to be deleted. `instance`: its last start. */
export function mended(broken: BrokenRecord, agent: string, instance: number): SessionRecord {
  const { id, term, spec, specLost } = broken;
  const empty = { command_id: '', done: false, at: '1970-01-01T00:00:00Z' };
  return { id, agent, ...(!specLost && { spec }), term, desired: 'running', instance, ...empty };
}
