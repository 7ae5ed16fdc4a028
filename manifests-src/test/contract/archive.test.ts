import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { SOURCES } from '../../src/charts/sources.ts';
import { archiveOf } from '../../src/render/archive.ts';
import { casesIn, EXAMPLE } from '../../src/render/cases.ts';
import { chartFiles } from '../../src/render/chart-files.ts';
import { serveCharts } from '../support/repository.ts';
import { execute, HELMS } from '../support/tools.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

describe.each(SOURCES.map((source) => [source.name, source] as const))('archive of %s', (name, source) => {
  const archive = archiveOf(name, chartFiles(source));

  it('is the same bytes each time, in whatever order its files come', () => {
    expect(archiveOf(name, new Map([...chartFiles(source)].toReversed())).equals(archive)).toBe(true);
    expect(archiveOf(name, chartFiles(source), 1).equals(archive)).toBe(false);
  });

  it.skipIf(HELMS[0]!.file === undefined).each(HELMS.filter(({ file }) => file !== undefined))(
    'is a chart to $name',
    async ({ file }) => {
      const path = join(mkdtempSync(join(tmpdir(), 'archive-')), `${name}.tgz`);
      writeFileSync(path, archive);
      const values = casesIn(`${root}test-values`).find((each) => each.source.name === name)!;
      const render = (chart: string) =>
        execute(file!, [
          'template',
          EXAMPLE.name,
          chart,
          '-n',
          EXAMPLE.namespace,
          '-f',
          `${root}test-values/${values.file}`,
          '--kube-version',
          '1.34.0',
        ]);
      const [packed, folder] = [await render(path), await render(`${root}${source.folder}`)];
      expect(packed.code, packed.stderr).toBe(0);
      expect(packed.stdout).toBe(folder.stdout);
    },
  );
});

describe.each(HELMS)('a repository of the charts, by $name', ({ file, name }) => {
  const reason = file === undefined ? ` (${name} is not on PATH)` : '';
  it.skipIf(file === undefined)(`part 5 its index finds them, with what Artifact Hub shows${reason}`, async () => {
    const { url, close } = await serveCharts(file!);
    try {
      for (const source of SOURCES) {
        const shown = await execute(file!, ['show', 'chart', source.name, '--repo', url]);
        expect(shown.code, shown.stderr).toBe(0);
        for (const said of ['icon: https://', 'artifacthub.io/images', 'artifacthub.io/changes'])
          expect(shown.stdout).toContain(said);
      }
    } finally {
      close();
    }
  });
});

it('part 5 templates look nothing up, but for the check of what an upgrade can’t change', () => {
  for (const source of SOURCES) {
    const found = [...chartFiles(source)].filter(
      ([path, text]) => path.startsWith('templates/') && /\blookup\b/.test(text),
    );
    expect(found.map(([path]) => path)).toEqual(source.fixedClaim === undefined ? [] : ['templates/checks.yaml']);
  }
});
