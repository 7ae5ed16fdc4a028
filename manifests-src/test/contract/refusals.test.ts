import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SOURCES } from '../../src/charts/sources.ts';
import { coalesceValues } from '../../src/values/tree.ts';
import { BASES, RELEASE } from '../support/bases.ts';
import { asciiOf, writeChart } from '../support/charts.ts';
import { execute, HELMS } from '../support/tools.ts';
import { problems } from '../support/valid.ts';
import { COMBINATIONS, SINGLE, type Wrong } from '../support/wrong.ts';

const charts = new Map(SOURCES.map((source) => [source.name, { source, folder: writeChart(source) }]));
const folder = mkdtempSync(join(tmpdir(), 'wrong-'));

/** Values over those that work; a key with null stays, to see what becomes of it. */
const wrongValues = ([, chart, set]: Wrong) => {
  const [key] = Object.keys(set);
  return set[key!] === null ? { ...BASES[chart], ...set } : coalesceValues(BASES[chart], set);
};

async function byHelm(helm: string, wrong: Wrong): Promise<string> {
  const file = join(folder, `${wrong[0].replaceAll(/\W/g, '-')}.json`);
  writeFileSync(file, asciiOf(wrongValues(wrong)));
  const args = [
    'template',
    RELEASE.name,
    charts.get(wrong[1])!.folder,
    '-n',
    RELEASE.namespace,
    '-f',
    file,
    '--kube-version',
    '1.34.0',
  ];
  const { code, stderr } = await execute(helm, args);
  expect(code, 'it was not refused').not.toBe(0);
  return stderr;
}

describe('wrong values are refused by the direct synth', () => {
  it.each([...COMBINATIONS, ...SINGLE])('%s', (...wrong) => {
    const found = problems(charts.get(wrong[1])!.source, RELEASE, wrongValues(wrong));
    expect(found?.length, 'it was not refused').toBeGreaterThan(0);
    expect(found!.some((line) => wrong[3].test(line))).toBe(true);
    for (const line of found!) expect(line).not.toContain('\n');
  });
});

describe.each(HELMS)('wrong values are refused by $name', ({ file, name }) => {
  const reason = file === undefined ? ` (${name} is not on PATH)` : '';

  it.skipIf(file === undefined).each(COMBINATIONS)(`%s${reason}`, async (...wrong) => {
    const said = await byHelm(file!, wrong);
    const expected = problems(charts.get(wrong[1])!.source, RELEASE, wrongValues(wrong))!;
    // word for word what the direct synth says
    for (const line of expected) expect(said).toContain(line);
    expect(said).toMatch(wrong[3]);
  });

  it.skipIf(file === undefined).each(SINGLE)(`%s${reason}`, async (...wrong) => {
    const said = await byHelm(file!, wrong);
    expect(said.replaceAll('/', '.')).toMatch(wrong[3]);
  });
});
