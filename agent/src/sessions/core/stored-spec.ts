import { SessionSpec, StreamSpaceError } from '@streamspace/protocol';
import { Compile } from 'typebox/compile';

const check = Compile(SessionSpec);
const FIELDS = Object.keys(SessionSpec.properties) as (keyof SessionSpec)[];

/** Longest quoted problem, characters. */
const PROBLEM_LIMIT = 200;

/** Known fields of a session from outside its spec, in case the spec can't be read. */
type Known = Pick<SessionSpec, 'id'> & Partial<SessionSpec>;

export interface StoredSpec {
  /** The fields that this version knows; with a `problem`, unreadable fields are empty. */
  readonly spec: SessionSpec;
  /** Why the spec can't be read as a whole; undefined: it can. */
  readonly problem?: string;
  /** The spec has fields that only newer versions know. */
  readonly newer?: boolean;
}

/** A spec from a record. Fields of newer versions are left out and are no problem: a writer of the record keeps them. */
export function storedSpec(value: unknown, known: Known): StoredSpec {
  const given = isObject(value) ? value : {};
  const spec = Object.fromEntries(FIELDS.flatMap((field) => (field in given ? [[field, given[field]]] : [])));
  if (check.Check(spec)) {
    const newer = Object.keys(given).some((field) => !(field in SessionSpec.properties));
    if (spec.id === known.id) return newer ? { spec, newer } : { spec };
    return { spec: legible({}, known), problem: bounded(`its spec is that of session ${spec.id}`) };
  }
  const [error] = check.Errors(spec);
  const where = error?.instancePath ? ` ${error.instancePath.slice(1)}` : '';
  const what = isObject(value) ? `its spec${where} ${error?.message ?? 'is none'}` : 'its spec is no JSON object';
  return { spec: legible(spec, known), problem: bounded(what) };
}

/** As {@link storedSpec}, from JSON. */
export function parseStoredSpec(text: string, known: Known): StoredSpec {
  try {
    return storedSpec(JSON.parse(text), known);
  } catch {
    return { spec: legible({}, known), problem: text === '' ? 'it has no spec' : 'its spec is no JSON' };
  }
}

/** Status reason of a session whose record has this problem. */
export const unreadableReason = (problem: string): string => `its record can't be read: ${bounded(problem)}`;

/** The error for every request but a delete of such a session. */
export const unreadable = (id: string, problem: string): StreamSpaceError =>
  new StreamSpaceError(
    'driver_failed',
    `Session ${id}: ${unreadableReason(problem)}. Restore the record, run the version that wrote it, or delete the session`,
  );

/** The error for a delete with the home if the record does not tell which home that is; nothing has changed then. */
export const homeUnknown = (id: string, problem: string): StreamSpaceError =>
  new StreamSpaceError(
    'conflict',
    `Session ${id}: ${unreadableReason(problem)}, so nothing says which home is its own: delete the session without its home, then remove the home by hand`,
  );

function legible(given: Partial<SessionSpec>, known: Known): SessionSpec {
  const nothing = { user: 'unknown', template: 'unknown', name: '', cpu: 0, memory: 0, storage: 0, image: '', env: {} };
  let spec: SessionSpec = { ...nothing, created_at: '1970-01-01T00:00:00Z', id: known.id };
  for (const [field, value] of Object.entries({ ...given, ...known })) {
    const more = { ...spec, [field]: value };
    if (check.Check(more)) spec = more;
  }
  return spec;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const bounded = (text: string): string => (text.length <= PROBLEM_LIMIT ? text : `${text.slice(0, PROBLEM_LIMIT)}…`);
