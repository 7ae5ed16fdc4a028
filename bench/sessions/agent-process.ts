import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Question } from './agent.ts';

/** The driver in its own process; one question at a time. */
export class AgentProcess {
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;

  constructor(kubeconfig: string, namespace: string) {
    const file = fileURLToPath(new URL('agent.ts', import.meta.url));
    this.#child = spawn(process.execPath, ['--conditions=source', '--import', 'tsx', file, kubeconfig, namespace], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#answers = createInterface(this.#child.stdout!)[Symbol.asyncIterator]();
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
