import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './until.ts';

const PROGRAM = ['/usr/sbin/nginx', '/usr/local/sbin/nginx'].find((path) => existsSync(path));

export const hasNginx = PROGRAM !== undefined;

/** Title of a suite that needs it; contains the reason if there is none. */
export const needsNginx = (title: string): string =>
  hasNginx ? title : `${title} (not run: no nginx; apt-get install nginx)`;

/** nginx itself, on one port of this machine, as any user, with a server's configuration. */
export class Nginx {
  readonly #process: ChildProcess;
  readonly #folder: string;

  private constructor(process: ChildProcess, folder: string) {
    this.#process = process;
    this.#folder = folder;
  }

  /** `inHttp`: configuration beside the server; `inServer`: in it. Rejects with nginx's output if it does not start. */
  static async start(port: number, inServer: string, inHttp = ''): Promise<Nginx> {
    const folder = mkdtempSync(join(tmpdir(), 'nginx-'));
    // its workers are another user where this one is root
    chmodSync(folder, 0o755);
    const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
    const temporary = paths.map((of) => `${of}_temp_path ${folder}/${of};`).join('\n');
    writeFileSync(
      join(folder, 'nginx.conf'),
      `daemon off; pid ${folder}/nginx.pid; worker_processes 1; error_log stderr;
events { worker_connections 256; }
http { access_log off; ${temporary}
${inHttp}
server { listen 127.0.0.1:${port}; server_name _;
${inServer}
} }
`,
    );
    const child = spawn(PROGRAM!, ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-10_000)));
    const nginx = new Nginx(child, folder);
    await until(`nginx on port ${port}`, () => {
      if (child.exitCode !== null) throw new Error(said);
      return fetch(`http://127.0.0.1:${port}/`).then(() => true);
    }).catch(async (error: unknown) => {
      await nginx.stop();
      throw new Error(`${String(error)}\n${said}`);
    });
    return nginx;
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const gone = once(this.#process, 'exit');
      this.#process.kill('SIGTERM');
      await gone;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
