import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { blocksOf, filesIn, pages, read, root } from '../support/docs.ts';
import { inlineCommandsOf } from '../support/inline-commands.ts';

const all = pages().flatMap((page) => blocksOf(page, read(page)));
/** Sources of a test and of the files beside it. */
const testSources = (test: string) =>
  filesIn(dirname(test), '.ts')
    .map((path) => read(path))
    .join('\n');
const at = ({ page, line }: { page: string; line: number }) => `${page}:${line}`;

describe('commands in the documentation', () => {
  it('every block says what language it is', () => {
    expect(all.filter(({ language }) => language === '').map(at)).toEqual([]);
  });

  it('every block of commands is run by a test, or says why not', () => {
    const commands = all.filter(({ language }) => ['sh', 'bash', 'shell', 'console', 'zsh'].includes(language));
    expect(commands.length).toBeGreaterThan(20);
    expect(commands.filter(({ mark }) => mark === undefined).map(at)).toEqual([]);
  });

  it('the test that is named is there, and takes the block from the page', () => {
    const wrong = all.flatMap((block) => {
      if (block.mark?.kind !== 'run') return [];
      const { test, name } = block.mark;
      if (!existsSync(root + test)) return [`${at(block)}: there is no ${test}`];
      return testSources(test).includes(`'${block.page}#${name}'`) ? [] : [`${at(block)}: ${test} does not run it`];
    });
    expect(wrong).toEqual([]);
  });

  it('K8 every command in the text is run by a test, or says why not', () => {
    const inline = pages().flatMap((page) => inlineCommandsOf(page, read(page)));
    expect(inline.length).toBeGreaterThan(40);
    const wrong = inline.flatMap((each) => {
      const { mark, page, command } = each;
      const say = (what: string) => [`${at(each)}: ${command}: ${what}`];
      if (mark === undefined) return say('neither <!-- run: … --> nor <!-- not run: … --> follows');
      if (mark.kind === 'not run') return [];
      if (!existsSync(root + mark.test)) return say(`there is no ${mark.test}`);
      const wanted = mark.kind === 'run' ? `'${page}#${mark.name}'` : mark.runs;
      return read(mark.test).includes(wanted) ? [] : say(`${mark.test} does not run it`);
    });
    expect(wrong).toEqual([]);
  });

  it('K8 what a command in the text is', () => {
    const text = [
      'by `kubectl get pods`<!-- not run: an example of one --> or',
      '`api -X DELETE "$HUB/x"`<!-- run: test/a.test.ts#x -->, ``helm rollback x``, `FOO=1 npm run nothing` and',
      '`kubectl`, `helm`, `curl` alone, `node.js`, ` ```sh `,',
      '```sh',
      'a `curl x` in a block',
      '```',
    ].join('\n');
    expect(inlineCommandsOf('p.md', text).map(({ line, command, mark }) => [line, command, mark?.kind])).toEqual([
      [1, 'kubectl get pods', 'not run'],
      [2, 'api -X DELETE "$HUB/x"', 'run'],
      [2, 'helm rollback x', undefined],
      [2, 'FOO=1 npm run nothing', undefined],
    ]);
  });

  it('no name is given twice on a page', () => {
    const names = [...all, ...pages().flatMap((page) => inlineCommandsOf(page, read(page)))].flatMap(
      ({ page, mark }) => (mark?.kind === 'run' ? [`${page}#${mark.name}`] : []),
    );
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  it('files and folders that are named exist', () => {
    const packages = readdirSync(root, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() && !['node_modules', 'dist', 'test-results'].includes(entry.name) ? [entry.name] : [],
    );
    const named = pages().flatMap((page) =>
      [...read(page).matchAll(/`([\w.-]+\/[\w./-]+)`/g)].flatMap(([, path]) =>
        packages.includes(path!.split('/')[0]!) ? [{ page, path: path! }] : [],
      ),
    );
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter(({ path }) => !existsSync(join(root, path)))).toEqual([]);
  });

  it('npm scripts that are named exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = pages().flatMap((page) =>
      [...read(page).matchAll(/npm run ([a-z][a-z:-]*[a-z])/g)].map(([, script]) => ({ page, script: script! })),
    );
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter(({ script }) => scripts[script] === undefined)).toEqual([]);
  });

  it('links lead to files that are there', () => {
    const broken = pages().flatMap((page) =>
      [...read(page).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)(#[^)]*)?\)/g)]
        .map(([, target]) => target!)
        .filter((target) => !existsSync(join(root, dirname(page), target)))
        .map((target) => `${page}: ${target}`),
    );
    expect(broken).toEqual([]);
  });
});

describe('docs/troubleshooting.md', () => {
  const sources = [
    'agent',
    'api',
    'clock',
    'console',
    'desktop',
    'elector',
    'kube',
    'protocol',
    'settings',
    'manifests-src',
  ]
    .flatMap((room) => filesIn(`${room}/src`, '.ts', '.tsx'))
    .map((path) => read(path))
    .join('\n');

  it('quotes what the programs say: every symptom in code is in their sources', () => {
    // an ellipsis stands for a name, a number or an external message
    const quoted = [...read('docs/troubleshooting.md').matchAll(/^\| (.*?) \|/gm)].flatMap(([, cell]) =>
      [...cell!.matchAll(/`([^`]+)`/g)].map(([, quote]) => quote!),
    );
    const parts = quoted.flatMap((quote) => quote.split('…').map((part) => part.trim()));
    const worth = parts.filter((part) => /\w{3}/.test(part));
    expect(worth.length).toBeGreaterThan(30);
    expect(worth.filter((part) => !sources.includes(part))).toEqual([]);
  });
});
