import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { changedAlways } from '../core/refusals.ts';
import { parseRecord, type VersionedRecord } from '../core/record-text.ts';

const ATTEMPTS = 100;

/** Name of a version's file. */
export const recordFile = (version: number): string => `session.${version}.json`;

/** The record in a session's folder, whether or not it can be read; undefined: there is none. */
export async function latestRecord(folder: string, id: string): Promise<VersionedRecord | undefined> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const versions = await recordVersions(folder);
    if (versions.length === 0) return undefined;
    const version = Math.max(...versions);
    const text = await unlessMissing(readFile(join(folder, recordFile(version)), 'utf8'));
    // otherwise the file was pruned meanwhile: there is a newer one
    if (text !== undefined) return parseRecord(id, version, text, recordFile(version));
  }
  throw changedAlways(id);
}

/** Existing versions, in any order. */
export async function recordVersions(folder: string): Promise<number[]> {
  const names = (await unlessMissing(readdir(folder))) ?? [];
  return names.flatMap((name) => /^session\.(\d+)\.json$/.exec(name)?.[1] ?? []).map(Number);
}

/** Undefined for a missing file or folder. */
export async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
