import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { type Clock, deadline, outcomeOf, withDeadline } from 'clock-port';
import type { CommandLine } from './programs.ts';

/** Time for a program to end after SIGTERM. */
const TERM_MS = 2_000;

/**
 * Runs the program beside a shell that waits for the end of its own input. This process holds that input: when this process ends, for whatever
 * reason, the shell ends the program. The shell itself survives SIGTERM until the program has ended.
 */
const GUARD = `
exec 9<&0
trap : TERM
"$@" </dev/null 9<&- & child=$!
( read -r _ <&9; kill -TERM $child; sleep 2; kill -KILL $child ) 2>/dev/null & guard=$!
wait $child; code=$?
while kill -0 $child 2>/dev/null; do wait $child; code=$?; done
kill $guard 2>/dev/null; wait $guard 2>/dev/null
exit $code`;

export interface ChildOptions {
  readonly command: CommandLine;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Opens another pipe at the program's file descriptor 3, see {@link Child.extra}. */
  readonly pipe?: boolean;
  readonly kill: (pid: number, signal: NodeJS.Signals) => void;
  readonly clock: Clock;
}

/** A program and its process group: ends as a whole, and never outlives this process. */
export class Child {
  readonly #process: ChildProcess;
  readonly #options: ChildOptions;
  /** Resolves when the program has ended, with the way it ended, in words. */
  readonly ended: Promise<string>;

  constructor(options: ChildOptions) {
    this.#options = options;
    const { command, cwd, env, pipe } = options;
    this.#process = spawn('/bin/sh', ['-c', GUARD, 'session-program', ...command], {
      cwd,
      env: { ...env },
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe', pipe ? 'pipe' : 'ignore'],
    });
    this.#process.stdin?.on('error', () => {});
    this.ended = new Promise((resolve) => {
      this.#process.once('error', (error) => resolve(error.message));
      this.#process.once('exit', (code, signal) => {
        this.#process.stdin?.destroy();
        // the shell reports a signal as 128 + its number
        if (signal || (code ?? 0) > 128) resolve(`was killed (${signal ?? `signal ${(code ?? 0) - 128}`})`);
        else resolve(`ended with code ${code}`);
      });
    });
  }

  get output(): readonly Readable[] {
    return [this.#process.stdout, this.#process.stderr].filter((stream) => stream !== null);
  }

  /** The program's output on file descriptor 3. */
  get extra(): Readable {
    return this.#process.stdio[3] as Readable;
  }

  /** Asks the program to end; kills its group if it does not. */
  async end(): Promise<void> {
    this.#signal('SIGTERM');
    const { clock } = this.#options;
    await withDeadline(clock, TERM_MS, 'end of a program', undefined, () => this.ended).catch(() => {});
    this.#signal('SIGKILL');
    await this.ended;
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.#process;
    if (pid === undefined) return;
    try {
      this.#options.kill(-pid, signal);
    } catch {
      // the whole group has ended
    }
  }
}

/** The first line of a stream; rejects when none comes within `ms`, also if the stream ends: watch the program for that. */
export async function firstLine(stream: Readable, clock: Clock, ms: number, what: string): Promise<string> {
  const limit = deadline(clock, ms, what);
  try {
    return await outcomeOf<string>(limit.signal, (resolve, reject) => {
      let text = '';
      // it stays, so that the stream flows: a program must not block on what nobody reads
      stream.on('data', (chunk: Buffer) => {
        if (text.length > 1024) return;
        text += chunk.toString('latin1');
        if (text.includes('\n')) resolve(text.slice(0, text.indexOf('\n')));
        else if (text.length > 1024) reject(new Error(`${what}: no line`));
      });
      stream.once('error', reject);
      return () => undefined;
    });
  } finally {
    limit.clear();
  }
}
