import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Question } from './agent.ts';

/** The driver in its own process; one question at a time. */
export class AgentProcess {
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#answers = createInterface(child.stdout!)[Symbol.asyncIterator]();
  }

  /** `warm`: pods kept ready. Bundled as the agent is: a compiler in the process would be measured too. */
  static async start(kubeconfig: string, namespace: string, warm = 0): Promise<AgentProcess> {
    const outfile = fileURLToPath(new URL('../../dist/bench-sessions-agent.js', import.meta.url));
    await build({
      entryPoints: [fileURLToPath(new URL('agent.ts', import.meta.url))],
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      conditions: ['source'],
      external: ['@kubernetes/*', 'undici', 'ws', 'yaml', 'typebox', 'http-proxy-agent', 'https-proxy-agent'],
      logLevel: 'warning',
    });
    return new AgentProcess(
      spawn(process.execPath, [outfile, kubeconfig, namespace, String(warm)], { stdio: ['pipe', 'pipe', 'inherit'] }),
    );
  }

  async ask<T>(question: Question): Promise<T> {
    this.#child.stdin!.write(`${JSON.stringify(question)}\n`);
    const { value, done } = await this.#answers.next();
    if (done === true) throw new Error('The agent ended');
    return JSON.parse(value) as T;
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.stdin!.end();
    if (this.#child.exitCode === null) await ended;
  }
}
