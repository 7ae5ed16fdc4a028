import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** Files below a folder with one of the endings: paths from the root. */
export const filesIn = (folder: string, ...endings: string[]): string[] =>
  readdirSync(root + folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => endings.some((ending) => path.endsWith(ending)))
    .map((path) => `${folder}/${path}`)
    .sort();

/** Pages whose commands must be run by tests: paths from the root. */
export const pages = (): string[] => ['README.md', 'CONTRIBUTING.md', ...filesIn('docs', '.md')];

/** A fenced block of a page. */
export interface Block {
  readonly page: string;
  /** Of its fence, from 1. */
  readonly line: number;
  /** `sh`, `yaml` …; empty when the fence says nothing. */
  readonly language: string;
  readonly text: string;
  readonly mark: Mark | undefined;
}

/**
 * The comment above a block: `<!-- run: test/…/a.test.ts#name -->` (that test takes the block by its name and runs it) or
 * `<!-- not run: why -->`.
 */
export type Mark =
  | { readonly kind: 'run'; readonly test: string; readonly name: string }
  | { readonly kind: 'not run'; readonly reason: string };

export function blocksOf(page: string, text: string): Block[] {
  const lines = text.split('\n');
  const blocks: Block[] = [];
  for (let at = 0; at < lines.length; at++) {
    const [, indent = '', fence, language = ''] = /^( *)(```+) *(\S*)/.exec(lines[at]!) ?? [];
    if (fence === undefined) continue;
    const end = lines.findIndex((line, index) => index > at && line.trim() === fence);
    if (end < 0) throw new Error(`${page}:${at + 1}: the block does not end`);
    const body = lines.slice(at + 1, end).map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line));
    blocks.push({ page, line: at + 1, language, text: `${body.join('\n')}\n`, mark: markAbove(lines, at) });
    at = end;
  }
  return blocks;
}

function markAbove(lines: readonly string[], fence: number): Mark | undefined {
  let at = fence - 1;
  while (at >= 0 && lines[at]!.trim() === '') at--;
  const comment = /^\s*<!--\s*(.*?)\s*-->\s*$/.exec(lines[at] ?? '')?.[1] ?? '';
  const [, test, name] = /^run: (\S+\.test\.ts)#([a-z0-9-]+)$/.exec(comment) ?? [];
  if (test !== undefined && name !== undefined) return { kind: 'run', test, name };
  const reason = /^not run: (.{10,})$/.exec(comment)?.[1];
  return reason === undefined ? undefined : { kind: 'not run', reason };
}

export const read = (path: string): string => readFileSync(root + path, 'utf8');

/** The block that `docs/page.md#name` names. Throws when there is none. */
export function block(where: string): Block {
  const [page = '', name] = where.split('#');
  const found = blocksOf(page, read(page)).find(({ mark }) => mark?.kind === 'run' && mark.name === name);
  if (found === undefined) throw new Error(`${page} has no block marked <!-- run: …#${name} -->`);
  return found;
}

/**
 * Runs a block of the documentation like a reader who pastes it into bash at the root of the checkout, and stops at the first command
 * that fails. Resolves to what it printed; rejects with that and the exit status.
 */
export function runBlock(where: string, env: Readonly<Record<string, string>>, limitMs = 300_000): Promise<string> {
  const { text } = block(where);
  return new Promise((resolve, reject) => {
    const child = spawn('bash', ['-euo', 'pipefail', '-c', text], {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // a separate process group, so that its background processes end with it
      detached: true,
    });
    let printed = '';
    const endAll = () => {
      try {
        process.kill(-child.pid!, 'SIGTERM');
      } catch {
        // no process of it is left
      }
    };
    const timer = setTimeout(endAll, limitMs);
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (chunk: string) => (printed += chunk));
    child.once('error', reject);
    // not `close`: a background process may hold its output open
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      setTimeout(() => {
        endAll();
        if (code === 0) resolve(printed);
        else reject(new Error(`${where}: ${signal ?? `exit ${code}`}\n${text}\n${printed}`));
      }, 50);
    });
  });
}
