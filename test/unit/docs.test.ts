import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { blocksOf, filesIn, pages, read, root } from '../support/docs.ts';

const all = pages().flatMap((page) => blocksOf(page, read(page)));
/** A test's own source, and that of what is beside it. */
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

  it('no name is given twice on a page', () => {
    const names = all.flatMap(({ page, mark }) => (mark?.kind === 'run' ? [`${page}#${mark.name}`] : []));
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
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
  const sources = ['agent', 'api', 'clock', 'console', 'elector', 'protocol', 'manifests-src']
    .flatMap((room) => filesIn(`${room}/src`, '.ts', '.tsx'))
    .map((path) => read(path))
    .join('\n');

  it('quotes what the programs say: every symptom in code is in their sources', () => {
    // what stands for a name, a number or somebody else's words is an ellipsis
    const quoted = [...read('docs/troubleshooting.md').matchAll(/^\| (.*?) \|/gm)].flatMap(([, cell]) =>
      [...cell!.matchAll(/`([^`]+)`/g)].map(([, quote]) => quote!),
    );
    const parts = quoted.flatMap((quote) => quote.split('…').map((part) => part.trim()));
    const worth = parts.filter((part) => /\w{3}/.test(part));
    expect(worth.length).toBeGreaterThan(30);
    expect(worth.filter((part) => !sources.includes(part))).toEqual([]);
  });
});
