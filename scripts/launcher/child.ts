import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';

export interface ChildSpec {
  name: string;
  args: string[];
  env: Record<string, string>;
  /** File to which its output is appended. */
  logFile: string;
}

/** Exit code for an unusable configuration: a restart would not help. */
const EX_CONFIG = 78;
const RESTART_FIRST_MS = 250;
const RESTART_MAX_MS = 10_000;

export interface ChildWatcher {
  /** A process runs, the first one or a later one. */
  onStart(): void;
  /** The process ended, and is started again. */
  onRestart(name: string, how: string): void;
  /** The process can't run with its configuration; its message gives the reason. */
  onUnusable(words: string): void;
}

/** A process that is started again when it ends unasked, as a Deployment does with a pod. */
export class Child {
  readonly name: string;
  readonly #spec: ChildSpec;
  readonly #watcher: ChildWatcher;
  #process: ChildProcess | undefined;
  #stopping = false;
  #restartMs = RESTART_FIRST_MS;
  #timer: NodeJS.Timeout | undefined;

  constructor(spec: ChildSpec, watcher: ChildWatcher) {
    this.name = spec.name;
    this.#spec = spec;
    this.#watcher = watcher;
  }

  get logFile(): string {
    return this.#spec.logFile;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  start(): void {
    const log = openSync(this.#spec.logFile, 'a');
    const before = fstatSync(log).size;
    const child = spawn(process.execPath, ['--enable-source-maps', ...this.#spec.args], {
      env: { ...process.env, ...this.#spec.env },
      // a separate process group: Ctrl-C in the terminal reaches only the launcher, which stops the parts in order
      detached: true,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    this.#process = child;
    this.#watcher.onStart();
    const startedAt = Date.now();
    child.on('error', () => {});
    child.on('exit', (code, signal) => {
      this.#process = undefined;
      if (this.#stopping) return;
      if (code === EX_CONFIG) {
        this.#stopping = true;
        return this.#watcher.onUnusable(readFileSync(this.#spec.logFile).subarray(before).toString().trim());
      }
      if (Date.now() - startedAt > 30_000) this.#restartMs = RESTART_FIRST_MS;
      this.#watcher.onRestart(this.name, signal ?? `exit code ${code}`);
      this.#timer = setTimeout(() => this.start(), this.#restartMs);
      this.#restartMs = Math.min(this.#restartMs * 2, RESTART_MAX_MS);
    });
  }

  /** SIGTERM, then SIGKILL after `graceMs`. Resolves when the process is gone. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#timer);
    const child = this.#process;
    if (child === undefined) return;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
    await gone;
    clearTimeout(timer);
  }
}
