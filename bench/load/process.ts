import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** A process of the bench; ends with it. `ready` resolves with the first line of its output that `isReady` takes. */
export class BenchProcess {
  readonly child: ChildProcess;
  readonly ready: Promise<string>;

  constructor(
    command: string,
    args: string[],
    env: Record<string, string> = {},
    isReady: (line: string) => boolean = () => true,
  ) {
    this.child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const tail: string[] = [];
    const keep = (line: string) => {
      tail.push(line);
      if (tail.length > 20) tail.shift();
    };
    this.ready = new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`${command} ${args.join(' ')}: not ready within 20 s\n${tail.join('\n')}`)),
        20_000,
      );
      for (const stream of [this.child.stdout!, this.child.stderr!]) {
        createInterface({ input: stream }).on('line', (line) => {
          if (process.env.BENCH_TEE) process.stderr.write(`${line}\n`);
          keep(line);
          if (!isReady(line)) return;
          clearTimeout(timer);
          resolve(line);
        });
      }
      this.child.once('exit', (code) =>
        reject(new Error(`${command} ${args.join(' ')}: ended with ${code}\n${tail.join('\n')}`)),
      );
      this.child.once('error', reject);
    });
    this.ready.catch(() => {});
  }

  static node(file: string, env: Record<string, string> = {}, isReady?: (line: string) => boolean): BenchProcess {
    const flags = file.endsWith('.ts') ? ['--conditions=source', '--import', 'tsx'] : [];
    // BENCH_PROFILE=folder: writes CPU profiles for Chromium's DevTools or speedscope
    const profiles = process.env.BENCH_PROFILE;
    if (profiles) flags.push('--cpu-prof', `--cpu-prof-dir=${profiles}`);
    return new BenchProcess(process.execPath, [...flags, file], env, isReady);
  }

  /** Resident memory in bytes (Linux). */
  rss(): number {
    const pages = readFileSync(`/proc/${this.child.pid}/statm`, 'utf8').split(' ')[1];
    return Number(pages) * 4096;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 5_000);
    await gone;
    clearTimeout(timer);
  }
}
