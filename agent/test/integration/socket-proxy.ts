import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ENGINE_REQUESTS, pathPattern } from '../../src/sessions/docker/engine/requests.ts';

const CONFIGURATION = fileURLToPath(new URL('../../../deploy/socket-proxy.conf', import.meta.url));
const PROGRAM = ['/usr/sbin/nginx', '/usr/local/sbin/nginx'].find((path) => existsSync(path));

const AS_IN_COMPOSE = ['setpriv', '--bounding-set=-all,+setgid', '--no-new-privs'];

/** Why the proxy can't be run; undefined when it can. */
export const proxyMissing = (): string | undefined =>
  PROGRAM === undefined ? 'no nginx; apt-get install nginx' : undefined;

const RULES = Object.entries(ENGINE_REQUESTS).flatMap(([method, paths]) =>
  paths.map((path) => ({ rule: `${method} ${path}`, pattern: new RegExp(`^${method} ${pathPattern(path)}$`) })),
);

/** nginx with deploy/socket-proxy.conf, with sockets in a folder of its own and a log of what was asked. */
export class SocketProxy {
  readonly socket: string;
  readonly #folder: string;
  readonly #process: ChildProcess;

  private constructor(folder: string, process: ChildProcess) {
    this.#folder = folder;
    this.socket = join(folder, 'docker.sock');
    this.#process = process;
  }

  static async start(): Promise<SocketProxy> {
    const folder = await mkdtemp(join(tmpdir(), 'docker-proxy-'));
    const text = (await readFile(CONFIGURATION, 'utf8'))
      .replace(/\/(run\/engine|tmp)\//g, `${folder}/`)
      .replace(
        'access_log off;',
        `log_format asked '$request_method $uri $status'; access_log ${folder}/asked.log asked;`,
      );
    await writeFile(join(folder, 'nginx.conf'), text);
    const nginx = [PROGRAM!, '-p', folder, '-e', 'stderr', '-c', join(folder, 'nginx.conf')];
    // with the capabilities that it has in deploy/compose.socket-proxy.yaml
    const [program, ...args] = process.getuid?.() === 0 ? [...AS_IN_COMPOSE, ...nginx] : nginx;
    const child = spawn(program!, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-10_000)));
    const proxy = new SocketProxy(folder, child);
    for (const end = AbortSignal.timeout(20_000); !existsSync(proxy.socket);) {
      if (child.exitCode !== null || end.aborted) throw new Error(`nginx did not start: ${said}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return proxy;
  }

  /** What was asked so far: the rules that let it through, and what was refused. */
  async asked(): Promise<{ used: Set<string>; refused: string[] }> {
    const lines = (await readFile(join(this.#folder, 'asked.log'), 'utf8')).split('\n').filter((line) => line !== '');
    const used = new Set<string>();
    const refused: string[] = [];
    for (const line of lines) {
      const [request, status] = [line.slice(0, -4), line.slice(-3)];
      if (status === '403') refused.push(request);
      else used.add(RULES.find(({ pattern }) => pattern.test(request))?.rule ?? request);
    }
    return { used, refused };
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const gone = once(this.#process, 'exit');
      // not when its last connection ends: a stream may never
      this.#process.kill('SIGTERM');
      await gone;
    }
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** All rules, as `GET /info`. */
export const RULE_NAMES: readonly string[] = RULES.map(({ rule }) => rule);
