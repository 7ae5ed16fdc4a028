import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A run of `npm start`, in a separate folder. */
export class Launched {
  readonly folder: string;
  readonly link: URL;
  readonly token: string;
  readonly #process: ChildProcess;
  readonly output: () => string;

  private constructor(folder: string, process: ChildProcess, link: URL, output: () => string) {
    this.folder = folder;
    this.#process = process;
    this.link = link;
    this.token = link.hash.replace('#token=', '');
    this.output = output;
  }

  /** `environment`: e.g. PATH without Xvnc. Rejects with its output if it does not start. */
  static start(
    folder = mkdtempSync(join(tmpdir(), 'streamspace-e2e-')),
    environment: Record<string, string> = {},
  ): Promise<Launched> {
    const child = spawn(process.execPath, ['dist/launcher.js'], {
      cwd: root,
      env: { ...process.env, STATE_DIR: folder, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let printed = '';
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`not up within 90 s:\n${printed}`)), 90_000);
      const read = (chunk: Buffer) => {
        printed += chunk.toString();
        const link = /http:\/\/localhost:\d+\/#token=\S+/.exec(printed)?.[0];
        if (link === undefined || !printed.includes('Ctrl-C stops')) return;
        clearTimeout(timer);
        resolve(new Launched(folder, child, new URL(link), () => printed));
      };
      child.stdout.on('data', read);
      child.stderr.on('data', read);
      child.once('exit', (code) => {
        clearTimeout(timer);
        reject(new Error(`ended with ${code}:\n${printed}`));
      });
    });
  }

  get pid(): number {
    return this.#process.pid!;
  }

  async api<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await fetch(new URL(`/api/v1${path}`, this.link), {
      method,
      headers: {
        authorization: `Bearer ${this.token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  }

  /** The pid of a part by its name, as the launcher recorded it: looks it up in the process table by its environment. */
  pidOf(replica: string): number {
    const { children } = JSON.parse(readFileSync(join(this.folder, 'running.json'), 'utf8')) as {
      children: { pid: number }[];
    };
    for (const { pid } of children) {
      try {
        if (readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`POD_NAME=${replica}`)) return pid;
      } catch {
        // ended meanwhile
      }
    }
    throw new Error(`no process of ${replica}`);
  }

  /** As Ctrl-C does. Resolves when everything is gone; `keep` leaves the folder. */
  async stop(keep = false): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const gone = new Promise((resolve) => this.#process.once('exit', resolve));
      this.#process.kill('SIGINT');
      const timer = setTimeout(() => this.#process.kill('SIGKILL'), 40_000);
      await gone;
      clearTimeout(timer);
    }
    if (!keep) rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Processes of this machine whose command line or environment names the folder: none may remain after a stop. */
export function processesOf(folder: string, list: () => number[]): string[] {
  const found: string[] = [];
  for (const pid of list()) {
    try {
      const about = readFileSync(`/proc/${pid}/cmdline`, 'utf8') + readFileSync(`/proc/${pid}/environ`, 'utf8');
      if (pid !== process.pid && about.includes(folder))
        found.push(`${pid} ${about.slice(0, 200).replaceAll('\0', ' ')}`);
    } catch {
      // ended meanwhile, or another user's
    }
  }
  return found;
}
