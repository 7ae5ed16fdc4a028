import { copyFileSync, cpSync, mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Cluster } from './cluster.ts';
import type { Line } from './line.ts';
import { Shell } from './shell.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
/** How long a reader looks again until it is there, milliseconds. */
const PATIENCE_MS = 90_000;
/** What changes something is typed once. */
const CHANGES = /^(cat|helm|kubectl (apply|create|delete|scale|set|rollout restart|wait)) |-X PATCH/m;
/** A terminal shows each line at once. */
const TERMINAL = 'grep() { command grep --line-buffered "$@"; }';

/** Who types the lines: at a computer whose kubectl and helm are set to a cluster's namespace `streamspace`, in a folder with the charts. */
export class Reader {
  readonly home: string;
  /** Of the shell; a variable put here later is there in the next line. */
  readonly env: NodeJS.ProcessEnv;
  /** What was typed, and did what it should. */
  readonly ran = new Set<string>();
  readonly #shell: Shell;

  private constructor(cluster: Cluster, before: string) {
    this.home = mkdtempSync(join(cluster.folder, 'reader-'));
    mkdirSync(join(this.home, '.kube'));
    for (const name of ['config', 'config-us-east', 'config-eu-west'])
      copyFileSync(join(cluster.folder, 'kubeconfig'), join(this.home, '.kube', name));
    cpSync(`${root}chart`, join(this.home, 'chart'), { recursive: true });
    this.env = { ...process.env, HOME: this.home, KUBECONFIG: join(this.home, '.kube', 'config') };
    this.#shell = new Shell(this.home, this.env, `${TERMINAL}\n${before}`);
  }

  /** `before`: shell functions that stand for what the reader's computer has otherwise, and for the names of others. */
  static async at(cluster: Cluster, before = ''): Promise<Reader> {
    const reader = new Reader(cluster, before);
    await reader.type('kubectl config set-context --current --namespace=streamspace');
    return reader;
  }

  /** Types something that is not of the list; gives what it printed. */
  type(text: string): Promise<string> {
    return this.#shell.run(text);
  }

  /** Types a line, and again until it shows what it should, unless it changes something. Rejects with what it showed. */
  async run(line: Line): Promise<void> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      try {
        await this.#once(line);
        this.ran.add(line.type);
        return;
      } catch (error) {
        if (CHANGES.test(line.type) || Date.now() > deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    }
  }

  /** Types something that goes on, and does something as soon as it has shown that. */
  async while(text: string, shown: RegExp, meanwhile: (printed: string) => Promise<unknown>): Promise<void> {
    await this.#shell.run(text, { until: shown, meanwhile });
  }

  async #once({ type, shows, follows, meanwhile }: Line): Promise<void> {
    const text = await this.#filled(type);
    if (follows === true) {
      // what shows nothing has to go on for as long as another look at the log takes
      const until = shows ?? this.type('kubectl logs -n streamspace -l component=k8s-agent');
      await this.#shell.run(text, { until, meanwhile: meanwhile && (() => this.run(meanwhile)) });
      return;
    }
    const printed = await this.#shell.run(text);
    if (shows?.test(printed) === false) throw new Error(`not ${shows} after\n${text}\n${printed}`.slice(0, 8_000));
  }

  /** With the names of pods that are there. */
  async #filled(type: string): Promise<string> {
    const newest = async (selector: string) => {
      const running = `-l ${selector} --field-selector=status.phase=Running --sort-by=.metadata.creationTimestamp`;
      const names = await this.type(`kubectl get pods -n streamspace ${running} -o name`);
      const name = names.trim().split('\n').at(-1)!.replace('pod/', '');
      if (name === '') throw new Error(`no pod of ${selector} is running`);
      return name;
    };
    let text = type;
    if (/streamspace-k8s-agent-<pod(-id)?>/.test(text))
      text = text.replace(/streamspace-k8s-agent-<pod(-id)?>/, await newest('component=k8s-agent'));
    if (text.includes('<session-pod>')) text = text.replace('<session-pod>', await newest('app=session'));
    return text;
  }
}
