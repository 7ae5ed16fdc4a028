import { spawn } from 'node:child_process';

/** Longest that a line may take, milliseconds. */
const LIMIT_MS = 180_000;

export interface Watch {
  /** It goes on by itself, and is ended as soon as it has printed that; or, where it prints nothing while all is well, as soon as that is over. */
  readonly until: RegExp | Promise<unknown>;
  /** What is done with what it has printed, before it is ended. */
  readonly meanwhile?: ((printed: string) => Promise<unknown>) | undefined;
}

/** A reader's shell: lines run by bash, in a folder and an environment of its own. */
export class Shell {
  readonly #cwd: string;
  readonly #env: NodeJS.ProcessEnv;
  /** Runs before each line: what the reader's computer has. */
  readonly #before: string;

  constructor(cwd: string, env: NodeJS.ProcessEnv, before: string) {
    this.#cwd = cwd;
    this.#env = env;
    this.#before = before;
  }

  /** Runs a line and gives what it printed. It has to end by itself, and well, unless it is watched: then it has to go on until it is ended. */
  run(line: string, watch?: Watch): Promise<string> {
    const script = `${this.#before}\nset -e -o pipefail\n${line}`;
    const child = spawn('bash', ['-c', script], {
      cwd: this.#cwd,
      env: this.#env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let printed = '';
    let told = '';
    return new Promise((resolve, reject) => {
      let seen = false;
      let failed: unknown;
      const end = () => {
        try {
          process.kill(-child.pid!, 'SIGKILL');
        } catch {
          // it has ended already
        }
      };
      const enough = async () => {
        seen = true;
        try {
          await watch?.meanwhile?.(printed);
        } catch (error) {
          failed = error;
        }
        end();
      };
      const timer = setTimeout(end, LIMIT_MS);
      child.on('error', reject);
      child.stdout.on('data', (data: Buffer) => {
        printed += data.toString();
        if (!seen && watch?.until instanceof RegExp && watch.until.test(printed)) void enough();
      });
      child.stderr.on('data', (data: Buffer) => (told += data.toString()));
      child.on('close', (code) => {
        clearTimeout(timer);
        if (failed !== undefined) reject(failed as Error);
        else if (seen || (watch === undefined && code === 0)) resolve(printed);
        else reject(new Error(`exit ${code ?? 'by a signal'} of\n${line}\n${printed}\n${told}`.slice(0, 8_000)));
      });
      if (watch?.until instanceof Promise) void watch.until.then(enough, reject);
    });
  }
}
