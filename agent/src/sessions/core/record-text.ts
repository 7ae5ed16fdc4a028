import { isDeepStrictEqual } from 'node:util';
import { Id, SessionSpec, Term, Timestamp, withoutProof } from '@streamspace/protocol';
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import type { RecordChange, SessionRecord } from './record.ts';
import { storedSpec } from './stored-spec.ts';

/** A record as parsed from its text. A deleted session's record stays for a while, to refuse late commands of a superseded leader. */
const RecordFile = Type.Object(
  {
    id: Id,
    agent: Type.String(),
    spec: Type.Optional(SessionSpec),
    command_id: Type.String(),
    term: Term,
    desired: Type.Enum(['running', 'hibernated', 'deleted']),
    instance: Type.Integer({ minimum: 0 }),
    done: Type.Boolean(),
    delete_home: Type.Optional(Type.Boolean()),
    at: Timestamp,
  },
  { additionalProperties: false },
);

/** The desired state of a session, for a record that is text with a version. */
export interface VersionedDraft extends Omit<SessionRecord, 'problem' | 'specLost' | 'newer'> {
  /** Number of the start that `desired: running` means; grows with each start. */
  readonly instance: number;
  readonly done: boolean;
  /** Time of the last command that changed it, RFC 3339. */
  readonly at: string;
}

/** The record as read. */
export interface VersionedRecord extends VersionedDraft, Pick<SessionRecord, 'problem' | 'specLost' | 'newer'> {
  /** A number that no other record of the session has had. */
  readonly version: number;
  /** The writes that led to this version, the latest first. */
  readonly writes: readonly string[];
  /** Fields that only newer versions know, of the record and of its spec. */
  readonly kept: { readonly record: object; readonly spec: object };
}

const check = Compile(RecordFile);
const FIELDS = new Set(Object.keys(RecordFile.properties));
const SPEC_FIELDS = new Set(Object.keys(SessionSpec.properties));

/** Parses the record of session `id`; `where` (a file, a container) is named in the problem of an unreadable text. */
export function parseRecord(id: string, version: number, text: string, where: string): VersionedRecord {
  const broken = (fields: Record<string, unknown>, problem: string) =>
    brokenRecord(id, version, fields, `${where}: ${problem}`);
  const given = objectOf(text);
  if (given === undefined) return broken({}, 'it is no JSON object');
  const { writes: said, ...fields } = given;
  const writes = Array.isArray(said) ? said.filter((each) => typeof each === 'string') : [];
  const kept = {
    record: pick(fields, (field) => !FIELDS.has(field)),
    spec: isObject(fields['spec']) ? pick(fields['spec'], (field) => !SPEC_FIELDS.has(field)) : {},
  };
  const stored = fields['spec'] === undefined ? undefined : storedSpec(fields['spec'], { id });
  const value = { ...pick(fields, (field) => FIELDS.has(field)), ...(stored && { spec: stored.spec }) };
  const known = check.Check(value) ? value : undefined;
  const lacks = known !== undefined && stored === undefined && known.desired !== 'deleted';
  if (known?.id === id && !lacks && stored?.problem === undefined) {
    const { command_id: commandId, delete_home: deleteHome = false, spec, ...same } = known;
    const newer = Object.keys(kept.spec).length > 0;
    return { ...same, spec, commandId, deleteHome, version, writes, kept, ...(newer && { newer }) };
  }
  const [error] = check.Errors(value);
  const what = error === undefined ? 'it is that of another session' : `${error.instancePath} ${error.message}`.trim();
  return {
    ...broken(fields, stored?.problem ?? (lacks ? 'it has no spec' : what)),
    ...(stored && { spec: stored.spec }),
    specLost: stored === undefined || stored.problem !== undefined,
    writes,
    kept,
  };
}

/** The record as the change makes it, of a new session where there is no `current`. A wish to run is a new start; `now`: RFC 3339. */
export function changedRecord(
  id: string,
  current: VersionedRecord | undefined,
  change: RecordChange,
  { agentId, now }: { readonly agentId: string; readonly now: string },
): VersionedDraft {
  const { instance = 0, done = false, deleteHome = false, at = '' } = current ?? {};
  const {
    desired = current?.desired ?? 'running',
    commandId = current?.commandId ?? '',
    term = current?.term ?? 0,
  } = change;
  return {
    id,
    agent: agentId,
    spec: change.spec ?? (current?.specLost === true ? undefined : current?.spec),
    desired,
    commandId,
    term,
    deleteHome: change.deleteHome ?? deleteHome,
    instance: change.desired === 'running' ? instance + 1 : instance,
    done: change.desired === undefined && done,
    at: change.desired === undefined ? at : now,
  };
}

/** The record's text. It keeps the fields that newer versions wrote into the previous text, as long as both are about the same session. */
export function recordText(
  draft: VersionedDraft,
  before: VersionedRecord | undefined,
  writes: readonly string[],
): string {
  const { id, agent, spec, commandId: command_id, term, desired, instance, done, deleteHome, at } = draft;
  const record = { id, agent, command_id, term, desired, instance, done, ...(deleteHome && { delete_home: true }), at };
  const kept = isSame(before, spec) ? before.kept : undefined;
  const whole = spec === undefined ? record : { ...record, spec: { ...kept?.spec, ...spec } };
  return JSON.stringify({ ...kept?.record, ...whole, writes }, undefined, 1);
}

function isSame(before: VersionedRecord | undefined, spec: SessionSpec | undefined): before is VersionedRecord {
  if (before?.spec === undefined || spec === undefined) return false;
  return before.problem !== undefined || isDeepStrictEqual(withoutProof(before.spec), withoutProof(spec));
}

/** The known part of a record that is malformed, or that a newer version wrote in a format unknown to this one. */
function brokenRecord(id: string, version: number, fields: Record<string, unknown>, problem: string): VersionedRecord {
  const { agent, term, instance, desired } = fields;
  return {
    id,
    agent: typeof agent === 'string' ? agent : undefined,
    spec: storedSpec(undefined, { id }).spec,
    specLost: true,
    commandId: '',
    term: whole(term),
    instance: whole(instance),
    // a delete holds, whatever else the record says
    desired: desired === 'deleted' ? 'deleted' : 'running',
    deleteHome: false,
    done: false,
    at: '1970-01-01T00:00:00Z',
    problem,
    version,
    writes: [],
    kept: { record: {}, spec: {} },
  };
}

function objectOf(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const pick = (from: object, which: (field: string) => boolean): Record<string, unknown> =>
  Object.fromEntries(Object.entries(from).filter(([field]) => which(field)));

const whole = (value: unknown): number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0;
