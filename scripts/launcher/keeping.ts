import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** Longest time that the keeper may take to end before it is killed, milliseconds. */
const END_MS = 5_000;

/** The keeper's process, seen from the launcher: gets the list of processes, and is started again if it ends. */
export class Keeping {
  readonly #program: string;
  #process: ChildProcess;
  #last = '';
  #done = false;

  constructor(program: string) {
    this.#program = program;
    this.#process = this.#start();
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  tell(line: string): void {
    this.#last = line;
    this.#process.stdin?.write(`${line}\n`);
  }

  /** Nothing is left to end. Resolves when the keeper has ended: no process outlives a stop. */
  async done(): Promise<void> {
    this.#done = true;
    const keeper = this.#process;
    // never started, or ended a moment ago
    if (keeper.pid === undefined || keeper.exitCode !== null || keeper.signalCode !== null) return;
    const ended = once(keeper, 'exit');
    keeper.stdin?.end('done\n');
    const late = setTimeout(() => keeper.kill('SIGKILL'), END_MS);
    await ended;
    clearTimeout(late);
  }

  #start(): ChildProcess {
    // a session of its own: no terminal's signal, and no signal to the launcher's group, reaches it
    const child = spawn(process.execPath, [this.#program], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
    child.stdin?.on('error', () => {});
    child.on('error', () => {});
    child.on('exit', () => {
      if (this.#done) return;
      this.#process = this.#start();
      this.#process.stdin?.write(`${this.#last}\n`);
    });
    return child;
  }
}
