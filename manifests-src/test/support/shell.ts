import { spawn } from 'node:child_process';

/** Longest that a line may take, milliseconds. */
const LIMIT_MS = 180_000;

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

  /**
   * Runs a line and gives what it printed. With `until` it is ended as soon as that was printed; otherwise it has to end by itself, and well.
   */
  run(line: string, until?: RegExp): Promise<string> {
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
      const end = () => {
        try {
          process.kill(-child.pid!, 'SIGKILL');
        } catch {
          // it has ended already
        }
      };
      const timer = setTimeout(end, LIMIT_MS);
      child.on('error', reject);
      child.stdout.on('data', (data: Buffer) => {
        printed += data.toString();
        if (until === undefined || seen || !until.test(printed)) return;
        seen = true;
        end();
      });
      child.stderr.on('data', (data: Buffer) => (told += data.toString()));
      child.on('close', (code) => {
        clearTimeout(timer);
        if (seen || (until === undefined && code === 0)) resolve(printed);
        else reject(new Error(`exit ${code ?? 'by a signal'} of\n${line}\n${printed}\n${told}`.slice(0, 8_000)));
      });
    });
  }
}
