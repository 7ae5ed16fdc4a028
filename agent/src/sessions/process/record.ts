import { Id, SessionSpec, Term, Timestamp } from '@streamspace/protocol';
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { storedSpec } from '../core/stored-spec.ts';

/** What is known of a session for good: who wanted what, last. A deleted one stays for a while, to refuse what a superseded leader still wants. */
export const SessionRecord = Type.Object(
  {
    id: Id,
    agent: Type.String(),
    /** Absent only in a session that was deleted before it was ever made. */
    spec: Type.Optional(SessionSpec),
    /** The command that wrote this. */
    command_id: Type.String(),
    /** Highest term that has changed the session. */
    term: Term,
    desired: Type.Enum(['running', 'hibernated', 'deleted']),
    /** Number of the start that `desired: running` means; grows with each. */
    instance: Type.Integer({ minimum: 0 }),
    /** A deleted session: all of it has been removed. */
    done: Type.Boolean(),
    /** A deleted session: its home goes too, if nobody else has it. */
    delete_home: Type.Optional(Type.Boolean()),
    at: Timestamp,
  },
  { additionalProperties: false },
);
export type SessionRecord = Static<typeof SessionRecord>;

/** What can be told of a record that is none, or that a newer version wrote in a way that this one does not understand. */
export interface BrokenRecord {
  readonly id: string;
  /** Undefined: it does not say whose it is. */
  readonly agent: string | undefined;
  /** As far as it can be read. */
  readonly spec: SessionSpec;
  /** The spec is not what the record has: that can't be read. */
  readonly specLost: boolean;
  /** 0 where it can't be read. */
  readonly term: number;
  readonly instance: number;
  /** It is to be deleted, whatever else it says. */
  readonly deleted: boolean;
  readonly problem: string;
}

/** A record's file: the record, or what can be told of it, and the writes that led to it, the last first. */
export interface RecordFile {
  readonly record?: SessionRecord;
  readonly broken?: BrokenRecord;
  readonly writes: readonly string[];
  /** What only newer versions know: fields of the record, and of its spec. */
  readonly kept: { readonly record: object; readonly spec: object };
}

const check = Compile(SessionRecord);
const FIELDS = new Set(Object.keys(SessionRecord.properties));
const SPEC_FIELDS = new Set(Object.keys(SessionSpec.properties));

/** Session `id`'s record from its file's text. */
export function parseRecord(id: string, text: string): RecordFile {
  const given = objectOf(text);
  if (given === undefined) {
    const { spec } = storedSpec(undefined, { id });
    const nothing = { agent: undefined, term: 0, instance: 0, deleted: false, specLost: true };
    const problem = 'its file is no JSON object';
    return { broken: { id, spec, ...nothing, problem }, writes: [], kept: { record: {}, spec: {} } };
  }
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
  if (known?.id === id && !lacks && stored?.problem === undefined) return { record: known, writes, kept };
  const { agent, term, instance, desired } = fields;
  const [error] = check.Errors(value);
  const what = error === undefined ? 'it is that of another session' : `${error.instancePath} ${error.message}`.trim();
  return {
    broken: {
      id,
      agent: typeof agent === 'string' ? agent : undefined,
      spec: stored?.spec ?? storedSpec(undefined, { id }).spec,
      specLost: stored === undefined || stored.problem !== undefined,
      term: whole(term),
      instance: whole(instance),
      deleted: desired === 'deleted',
      problem: stored?.problem ?? (lacks ? 'it has no spec' : what),
    },
    writes,
    kept,
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
