import { type ChildProcess, spawn } from 'node:child_process';

/** The keeper's process, seen from the launcher: told what there is, and made again when somebody ends it. */
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

  /** Nothing is left to keep. */
  done(): void {
    this.#done = true;
    this.#process.stdin?.end('done\n');
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
