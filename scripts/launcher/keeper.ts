// The launcher starts this process, which outlives it: when the launcher ends unannounced (kill -9, a crash), this ends everything that it started.
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { endHosts, hibernateAll } from './ending.ts';
import { HubClient, until } from './hub-client.ts';
import { alive, type ProcessMark, startTime } from './instance.ts';

/** The launcher's messages: one line per change. */
export interface Kept {
  readonly origin: string;
  readonly token: string;
  /** Agents first: they are ended in this order, those of a group together. */
  readonly groups: readonly (readonly number[])[];
  readonly agentStateDir: string;
  readonly runFile: string;
}

const GRACE_MS = 8_000;

async function endGroup(marks: readonly ProcessMark[]): Promise<void> {
  const signal = (how: NodeJS.Signals) => {
    for (const mark of marks) if (alive(mark)) process.kill(mark.pid, how);
  };
  const gone = () => Promise.resolve(!marks.some(alive));
  signal('SIGTERM');
  if (await until(gone, GRACE_MS)) return;
  signal('SIGKILL');
  await until(gone, GRACE_MS);
}

async function endAll(kept: Kept, groups: readonly (readonly ProcessMark[])[]): Promise<void> {
  await hibernateAll(new HubClient(kept.origin, kept.token)).catch(() => {});
  for (const group of groups) await endGroup(group);
  await endHosts(kept.agentStateDir);
  rmSync(kept.runFile, { force: true });
}

// a closed terminal must not prevent the clean-up
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
let kept: Kept | undefined;
let groups: ProcessMark[][] = [];
for await (const line of createInterface({ input: process.stdin })) {
  kept = line === 'done' ? undefined : (JSON.parse(line) as Kept);
  groups = (kept?.groups ?? []).map((pids) => pids.map((pid) => ({ pid, started: startTime(pid) })));
}
if (kept !== undefined) await endAll(kept, groups);
process.exit(0);
