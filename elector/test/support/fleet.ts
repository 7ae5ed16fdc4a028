import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { find, Program, until } from './programs.ts';

/** Beside the packages, which the bundle imports. */
const CACHE = fileURLToPath(new URL('../../../node_modules/.cache/lease-elector', import.meta.url));

export interface ReplicaSettings {
  readonly kubeconfig: string;
  readonly namespace: string;
  readonly name: string;
  readonly identity: string;
  readonly leaseDurationMs: number;
  readonly renewDeadlineMs: number;
  readonly retryPeriodMs: number;
  /** `keep-until-superseded` instead of `stop`. */
  readonly keep?: boolean;
  readonly clockOffsetMs?: number;
}

export interface ReplicaEvent {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly event: 'started' | 'elected' | 'lost' | 'raised' | 'error' | 'stopped';
  readonly term?: number;
  readonly reason?: string;
  readonly message?: string;
}

/** Bundles our replica's program; returns its path. */
export async function ourProgram(): Promise<string[]> {
  await mkdir(CACHE, { recursive: true });
  const outfile = join(CACHE, 'replica.mjs');
  await build({
    entryPoints: [fileURLToPath(new URL('./replica/main.ts', import.meta.url))],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    conditions: ['source'],
    external: ['@kubernetes/client-node', 'undici'],
    logLevel: 'warning',
  });
  return [process.execPath, outfile];
}

/** Builds client-go's replica; or says why that can't be done. */
export async function clientGoProgram(): Promise<string[] | { missing: string }> {
  const go = await find('go', '/usr/local/go/bin');
  if (!go) return { missing: 'no go on the PATH' };
  await mkdir(CACHE, { recursive: true });
  const outfile = join(CACHE, 'client-go-replica');
  const cwd = fileURLToPath(new URL('../client-go', import.meta.url));
  try {
    await promisify(execFile)(go, ['build', '-o', outfile, '.'], { cwd });
  } catch (error) {
    return { missing: `go build failed: ${String(error).slice(0, 500)}` };
  }
  return [outfile];
}

/** A replica's process and what it said. */
export class ReplicaProcess {
  readonly identity: string;
  readonly events: ReplicaEvent[] = [];
  readonly program: Program;

  constructor(command: readonly string[], settings: ReplicaSettings) {
    this.identity = settings.identity;
    this.program = new Program(command[0]!, [...command.slice(1), JSON.stringify(settings)]);
    createInterface(this.program.child.stdout!).on('line', (line) => {
      try {
        this.events.push(JSON.parse(line) as ReplicaEvent);
      } catch {
        // klog and the like
      }
    });
  }

  /** Whether it believes that it leads. */
  get leads(): boolean {
    const last = this.events.findLast(({ event }) => event === 'elected' || event === 'lost');
    return this.program.running && last?.event === 'elected';
  }

  signal(signal: NodeJS.Signals): void {
    this.program.child.kill(signal);
  }

  of(event: ReplicaEvent['event']): ReplicaEvent[] {
    return this.events.filter((candidate) => candidate.event === event);
  }
}

/** Replicas of one lease. */
export class Fleet {
  readonly replicas: ReplicaProcess[] = [];
  readonly #defaults: Omit<ReplicaSettings, 'identity'>;

  constructor(defaults: Omit<ReplicaSettings, 'identity'>) {
    this.#defaults = defaults;
  }

  add(command: readonly string[], settings: Partial<ReplicaSettings> = {}): ReplicaProcess {
    const identity = `replica-${this.replicas.length + 1}_${randomUUID()}`;
    const replica = new ReplicaProcess(command, { ...this.#defaults, identity, ...settings });
    this.replicas.push(replica);
    return replica;
  }

  get leaders(): ReplicaProcess[] {
    return this.replicas.filter(({ leads }) => leads);
  }

  /** The one that leads once there is exactly one. */
  async leader(ms = 20_000): Promise<ReplicaProcess> {
    await until(
      () => this.leaders.length === 1,
      ms,
      () => `one leader\n${this.report()}`,
    );
    return this.leaders[0]!;
  }

  /** The first election at or after `at` (of another than `except`). */
  async electionAfter(at: number, ms: number, except?: ReplicaProcess): Promise<ReplicaEvent & { by: ReplicaProcess }> {
    let found: (ReplicaEvent & { by: ReplicaProcess }) | undefined;
    const look = () => {
      for (const by of this.replicas) {
        if (by === except) continue;
        const event = by.events.find((candidate) => candidate.event === 'elected' && candidate.at >= at);
        if (event && (!found || event.at < found.at)) found = { ...event, by };
      }
      return found !== undefined;
    };
    await until(look, ms, () => `an election\n${this.report()}`);
    return found!;
  }

  /** How long two or more believed that they lead, from `from` on, milliseconds. A process that is stopped believes nothing. */
  overlap(from: number, stopped: { replica: ReplicaProcess; until: number }[] = []): number {
    const steps: { at: number; step: number }[] = [];
    for (const replica of this.replicas) {
      const thawedAt = stopped.find((pause) => pause.replica === replica)?.until ?? 0;
      let since: number | undefined;
      for (const { at, event } of replica.events) {
        if (event === 'elected') since ??= at;
        else if ((event === 'lost' || event === 'stopped') && since !== undefined) {
          steps.push({ at: Math.max(since, from, thawedAt), step: 1 }, { at: Math.max(at, from, thawedAt), step: -1 });
          since = undefined;
        }
      }
      if (since !== undefined && replica.program.running) steps.push({ at: Math.max(since, from, thawedAt), step: 1 });
    }
    steps.sort((a, b) => a.at - b.at || a.step - b.step);
    let count = 0;
    let total = 0;
    steps.forEach(({ at, step }, i) => {
      count += step;
      const next = steps[i + 1]?.at;
      if (count > 1 && next !== undefined) total += next - at;
    });
    return total;
  }

  report(): string {
    return this.replicas
      .map(({ identity, events, program }) => `${identity} (${program.running}): ${JSON.stringify(events.slice(-8))}`)
      .join('\n');
  }

  async stop(): Promise<void> {
    for (const replica of this.replicas) replica.signal('SIGCONT');
    await Promise.all(this.replicas.map(({ program }) => program.stop('SIGKILL')));
  }
}

/** Milliseconds since 1970, as the replicas count them. */
export function wallNow(): number {
  return performance.timeOrigin + performance.now();
}
