// npm run report:ha [-- --from test-results/ha/bench/results.json,…] [-- --update]
// Writes report.md, report.json and failover.svg beside the results; with --update also the platform's section of docs/ha.md and its picture.
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Results } from '../ha/results.ts';
import { root } from '../kind/root.ts';
import { markdown } from './markdown.ts';
import { picture } from './picture.ts';
import { summarize, together } from './summary.ts';

const { values: given } = parseArgs({
  options: {
    from: { type: 'string', default: 'test-results/ha/bench/results.json' },
    update: { type: 'boolean', default: false },
  },
});
const files = given.from.split(',').map((file) => join(root, file));
const runs = await Promise.all(files.map(async (file) => JSON.parse(await readFile(file, 'utf8')) as Results));
const summary = summarize(together(runs));
const from = files[0]!;
const beside = (name: string) => join(dirname(from), name);
await writeFile(beside('failover.svg'), picture(summary));
await writeFile(
  beside('report.md'),
  `# High availability: a run of the scenarios\n\n${markdown(summary, 'failover.svg')}\n`,
);
await writeFile(beside('report.json'), `${JSON.stringify(summary, null, 2)}\n`);
process.stdout.write(`${beside('report.md')}\n`);

if (given.update) {
  const [section, file] =
    summary.machine.where === undefined ? ['bench:ha', 'ha-scenarios.svg'] : ['bench:ha docker', 'ha-docker.svg'];
  await writeFile(join(root, 'docs/images', file), picture(summary));
  const path = join(root, 'docs/ha.md');
  const marks = new RegExp(`(<!-- ${section} -->\n)[^]*?(<!-- end -->)`);
  const page = await readFile(path, 'utf8');
  if (!marks.test(page)) throw new Error(`docs/ha.md has no <!-- ${section} --> … <!-- end -->`);
  const text = markdown(summary, `images/${file}`);
  await writeFile(
    path,
    page.replace(marks, (_, begin: string, end: string) => `${begin}\n${text}\n\n${end}`),
  );
}
