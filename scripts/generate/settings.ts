import { readFile } from 'node:fs/promises';
import { AGENT, HUB, type Setting, type Table } from '@streamspace/settings';
import type { Generated } from './generated.ts';

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const table = (rows: string[][]) =>
  [['variable', 'default', 'what it is', 'takes'], ['---', '---', '---', '---'], ...rows]
    .map((row) => `| ${row.map(cell).join(' | ')} |`)
    .join('\n');

function inWords(setting: Setting<unknown>): string {
  if (setting.defaultInWords !== undefined) return setting.defaultInWords;
  if (setting.default === undefined) return '**required**';
  return setting.default === null ? 'none' : setting.default === '' ? 'empty' : `\`${setting.default}\``;
}

const tableOf = (settings: Table): string =>
  table(
    Object.values(settings).map((setting) => [
      `\`${setting.name}\``,
      inWords(setting),
      setting.description,
      setting.kind.takes,
    ]),
  );

/** Puts `text` between the page's markers `<!-- name -->` and `<!-- /name -->`. */
export function filled(page: string, name: string, text: string): string {
  const [start, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const from = page.indexOf(start);
  const to = page.indexOf(end);
  if (from < 0 || to < from) throw new Error(`the page lacks ${start} … ${end}`);
  return `${page.slice(0, from + start.length)}\n\n${text}\n\n${page.slice(to)}`;
}

/** The tables of environment variables in docs/, from the tables that the programs read. */
export async function settingsPages(root: string): Promise<Generated> {
  const page = async (path: string, make: () => string) =>
    [path, filled(await readFile(`${root}/${path}`, 'utf8'), 'settings', make())] as const;
  return new Map([await page('docs/agent.md', () => tableOf(AGENT)), await page('docs/hub.md', () => tableOf(HUB))]);
}
