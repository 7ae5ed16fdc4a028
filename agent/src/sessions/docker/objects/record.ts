import { parseRecord, type VersionedDraft, type VersionedRecord, recordText } from '../../core/record-text.ts';
import type { ContainerSummary } from './engine-objects.ts';
import { APP, FAILURE_LABEL, RECORD_LABEL, recordName } from './names.ts';

/** Why a start failed that has left no container to say so. */
export interface FailedStart {
  /** Number of the start. */
  readonly instance: number;
  readonly reason: string;
}

export interface DockerDraft extends VersionedDraft {
  readonly failure: FailedStart | undefined;
}

export interface DockerRecord extends VersionedRecord {
  readonly failure: FailedStart | undefined;
}

/** What a record's container is called: `.r<version>` at the end of its name. */
const VERSION = /\.r([1-9][0-9]{0,14})$/;

/** The record that a container holds; undefined: it holds none. */
export function recordIn({ Labels, Names }: Pick<ContainerSummary, 'Labels' | 'Names'>): DockerRecord | undefined {
  const version = Names.map((name) => VERSION.exec(name)?.[1]).find((found) => found !== undefined);
  const id = Labels['session'];
  if (Labels['app'] !== APP.record || id === undefined || version === undefined) return undefined;
  const record = parseRecord(id, Number(version), Labels[RECORD_LABEL] ?? '', recordName(id, Number(version)));
  // the label by which records are found says whose it is, where the record can't
  return { ...record, agent: record.agent ?? Labels['agent'], failure: failedStartOf(Labels[FAILURE_LABEL]) };
}

/** The labels of a container that holds the record. */
export function recordLabels(
  draft: DockerDraft,
  before: DockerRecord | undefined,
  writes: readonly string[],
): Record<string, string> {
  return {
    app: APP.record,
    agent: draft.agent ?? '',
    session: draft.id,
    [RECORD_LABEL]: recordText(draft, before, writes),
    ...(draft.failure !== undefined && { [FAILURE_LABEL]: JSON.stringify(draft.failure) }),
  };
}

export function failedStartOf(text: string | undefined): FailedStart | undefined {
  if (text === undefined) return undefined;
  try {
    const { instance, reason } = JSON.parse(text) as Partial<FailedStart>;
    return typeof instance === 'number' && typeof reason === 'string' ? { instance, reason } : undefined;
  } catch {
    return undefined;
  }
}
