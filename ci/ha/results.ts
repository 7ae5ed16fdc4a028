import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { RoundResult } from './round.ts';
import type { Bound, Scenario } from './scenario.ts';

/** Results of a run of scenarios, for `ci/report`. */
export interface Results {
  at: string;
  /** Its command. */
  command: string;
  commit: string;
  /** `where`: what it ran on, in words; without it a kind cluster of that version of Kubernetes. */
  machine: { cpu: string; cores: number; memoryGiB: number; node: string; kubernetes?: string; where?: string };
  /** The played scenarios, in order. */
  scenarios: { id: string; title: string; required: readonly Bound[]; goals: readonly Bound[] }[];
  results: RoundResult[];
}

/** Of a run of these scenarios that begins now. */
export async function emptyResults(
  command: string,
  scenarios: readonly Scenario<never>[],
  where: Pick<Results['machine'], 'kubernetes' | 'where'>,
): Promise<Results> {
  const commit = await promisify(execFile)('git', ['rev-parse', '--short', 'HEAD']).then(
    ({ stdout }) => stdout.trim(),
    () => 'unknown',
  );
  return {
    at: new Date().toISOString(),
    command,
    commit,
    machine: {
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      memoryGiB: Math.round(totalmem() / 1024 ** 3),
      node: process.version,
      ...where,
    },
    scenarios: scenarios.map(({ id, title, required, goals }) => ({ id, title, required, goals })),
    results: [],
  };
}

/** Writes `results.json` of that folder, after every round because a run takes long. */
export async function save(results: Results, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'results.json'), `${JSON.stringify(results, null, 1)}\n`);
}
