import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** How long a command of the host may take, in milliseconds, unless its caller says otherwise: an image build is the longest. */
const LIMIT_MS = 900_000;

/** Sources of the programs that `kind:up` needs. */
const TOOLS = {
  docker: 'https://docs.docker.com/engine/install',
  kind: 'https://kind.sigs.k8s.io',
  kubectl: 'https://kubernetes.io/docs/tasks/tools',
  helm: 'https://helm.sh/docs/intro/install',
};

export class CommandError extends Error {}

const onPath = (name: string): boolean =>
  (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

export interface RunOptions {
  /** Written to standard input. */
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds. */
  readonly limitMs?: number;
  /** Show its output immediately, instead of only after a failure. */
  readonly show?: boolean;
}

/** Runs a program of the host to its end; resolves to what it printed. Throws {@link CommandError} with its last output. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env: { ...process.env, ...options.env },
      stdio: ['pipe', options.show === true ? 'inherit' : 'pipe', options.show === true ? 'inherit' : 'pipe'],
      timeout: options.limitMs ?? LIMIT_MS,
    });
    let [out, errors] = ['', ''];
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (errors += text));
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) return resolve(out);
      const words = (errors || out).trim().split('\n').slice(-15).join('\n');
      return reject(
        new CommandError(`${command} ${args.join(' ').slice(0, 200)}: ${signal ?? `exit ${code}`}\n${words}`),
      );
    });
    child.stdin?.on('error', () => undefined).end(options.input ?? '');
  });
}

/** Why no kind cluster can be made on this machine, with the remedy; undefined: it can. */
export async function whyNoKind(): Promise<string | undefined> {
  const missing = Object.entries(TOOLS).filter(([name]) => !onPath(name));
  if (missing.length > 0) return missing.map(([name, where]) => `${name} is not on PATH (${where})`).join(', ');
  try {
    await run('docker', ['info'], { limitMs: 20_000 });
    return undefined;
  } catch {
    return 'no Docker engine answers (is it started, and may this user talk to it?)';
  }
}
