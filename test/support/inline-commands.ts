import { read } from './docs.ts';

/** A command in the text of a page: `` `helm rollback streamspace` ``, with the mark behind it, or that of the table below. */
export interface InlineCommand {
  readonly page: string;
  readonly line: number;
  readonly command: string;
  readonly mark: InlineMark | undefined;
}

/**
 * `` `…`<!-- run: test/…/a.test.ts#name --> ``: that test takes the command by its name and runs it. `` `…`<!-- not run: why --> ``.
 * A command that many pages name has its mark below instead.
 */
export type InlineMark =
  | { readonly kind: 'run'; readonly test: string; readonly name: string }
  /** A test of `test` runs `runs`, which has the same effect as the command. */
  | { readonly kind: 'known'; readonly test: string; readonly runs: string }
  | { readonly kind: 'not run'; readonly reason: string };

const PROGRAMS =
  /^(?:[A-Z_]+=\S+ )*(?:sudo )?(?:api|apt|apt-get|argocd|bash|curl|docker|etcdctl|git|helm|kill|kind|kubectl|node|npm|npx|openssl|psql|redis-cli|sh|ssh|systemctl|tar|valkey-cli|wget) +\S/;

const known = (test: string, runs: string): InlineMark => ({ kind: 'known', test, runs });
const notRun = (reason: string): InlineMark => ({ kind: 'not run', reason });
const MEASURES = notRun('measures for minutes or hours; its figures stand beside it, with their date');
const SUITE = notRun('is a run of the tests');
const NAME = notRun('the name of a command without what it would be done to');

/** Commands on many pages or on generated ones, by their beginning, the longest first. */
const KNOWN: readonly (readonly [string, InlineMark])[] = [
  ['npm start', known('test/e2e/desktop.test.ts', 'Launched.start(')],
  ['PORT=9000 npm start', known('test/e2e/desktop.test.ts', 'Launched.start(')],
  ['npm run chaos', known('test/integration/chaos.test.ts', 'chaos(')],
  ['npm run soak', known('test/integration/soak.test.ts', 'Soak.')],
  ['npm run kind:up', known('test/cluster/operations.test.ts', 'Installed.make()')],
  ['openssl rand -base64 32', known('test/integration/docs.test.ts', 'openssl rand -base64 32')],
  ['npm run update', known('scripts/check.mjs', "'scripts/update.ts'")],
  ['npm run verify', known('scripts/check.mjs', "'scripts/update.ts', '--verify'")],
  ['npm run bench', MEASURES],
  ['npm run test:kind', SUITE],
  ['npm run test:busy', SUITE],
  ['npm test', SUITE],
  ['npx vitest run', SUITE],
  ['SIM_SEED=<n> npm test', SUITE],
  ['SIM_SEEDS=<n> npm test', SUITE],
];
const NAMES = [
  'kill -9',
  'kubectl annotate --overwrite',
  'kubectl delete pod',
  'kubectl drain',
  'kubectl patch',
  'kubectl port-forward',
  'helm upgrade',
];

const knownMark = (command: string): InlineMark | undefined =>
  NAMES.includes(command)
    ? NAME
    : KNOWN.find(
        ([start]) => command === start || command.startsWith(`${start} `) || command.startsWith(`${start}:`),
      )?.[1];

export function inlineCommandsOf(page: string, text: string): InlineCommand[] {
  const found: InlineCommand[] = [];
  let fence: string | undefined;
  text.split('\n').forEach((line, index) => {
    const [, mark] = /^ *(```+)/.exec(line) ?? [];
    if (mark !== undefined && (fence === undefined || line.trim() === fence)) {
      fence = fence === undefined ? mark : undefined;
      return;
    }
    if (fence !== undefined) return;
    for (const [, , span, comment] of line.matchAll(/(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)(?:<!-- (.*?) -->)?/g)) {
      const command = span!.trim();
      if (PROGRAMS.test(command))
        found.push({ page, line: index + 1, command, mark: markOf(comment) ?? knownMark(command) });
    }
  });
  return found;
}

function markOf(comment = ''): InlineMark | undefined {
  const [, test, name] = /^run: (\S+\.test\.ts)#([a-z0-9-]+)$/.exec(comment) ?? [];
  if (test !== undefined && name !== undefined) return { kind: 'run', test, name };
  const reason = /^not run: (.{10,})$/.exec(comment)?.[1];
  return reason === undefined ? undefined : { kind: 'not run', reason };
}

/** The command that `docs/page.md#name` names. Throws when there is none. */
export function inlineCommand(where: string): string {
  const [page = '', name] = where.split('#');
  const found = inlineCommandsOf(page, read(page)).find(({ mark }) => mark?.kind === 'run' && mark.name === name);
  if (found === undefined) throw new Error(`${page} has no command marked <!-- run: …#${name} -->`);
  return found.command;
}
