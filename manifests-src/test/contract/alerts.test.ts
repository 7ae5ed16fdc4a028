import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { exposed } from '../../../scripts/generate/metrics.ts';
import { SOURCES } from '../../src/charts/sources.ts';
import { objectsOf } from '../../src/render/synth.ts';
import { coalesceValues } from '../../src/values/tree.ts';
import { PLAYS, type Play } from '../support/alert-plays.ts';
import { BASES, RELEASE } from '../support/bases.ts';
import { execute, onPath } from '../support/tools.ts';

interface Rules {
  groups: { rules: { alert: string; labels: object; annotations: object }[] }[];
}

const promtool = onPath('promtool');
const absent = promtool === undefined ? ' (promtool is not on PATH)' : '';
const [umbrella, alone] = SOURCES;
const ofChart = (source: (typeof SOURCES)[number], on: object): Rules =>
  objectsOf(source, RELEASE, coalesceValues(BASES[source.name], on)).find(({ kind }) => kind === 'PrometheusRule')![
    'spec'
  ] as Rules;

const files: Readonly<Record<string, Rules>> = {
  'observability/rules.yaml': parse(
    readFileSync(new URL('../../../observability/rules.yaml', import.meta.url), 'utf8'),
  ) as Rules,
  'chart/': ofChart(umbrella!, { observability: { prometheusRule: { enabled: true } } }),
  'chart-k8s-agent/': ofChart(alone!, { prometheusRule: { enabled: true } }),
};

async function check(args: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await execute(promtool!, args);
  expect(code, stdout + stderr).toBe(0);
}

/** An alert's two plays, as promtool takes them; what happens in another namespace is none of a release's business. */
function tests(rule: Rules['groups'][number]['rules'][number], play: Play, scoped: boolean): object[] {
  const test = (series: Play['fires'], expected: readonly object[]) => ({
    interval: '1m',
    input_series: series.map(([name, values]) => ({ series: name, values })),
    alert_rule_test: [{ eval_time: `${play.minutes}m`, alertname: rule.alert, exp_alerts: expected }],
  });
  const fired = { exp_labels: { ...rule.labels, ...play.labels }, exp_annotations: rule.annotations };
  const elsewhere = play.fires.map(
    ([name, values]) => [name.replace('namespace="desktops"', 'namespace="shop"'), values] as const,
  );
  return [test(play.fires, [fired]), test(play.quiet, []), ...(scoped ? [test(elsewhere, [])] : [])];
}

describe.each(Object.entries(files))(`F18 alerts of %s${absent}`, (file, rules) => {
  const all = rules.groups.flatMap((group) => group.rules);
  const folder = mkdtempSync(join(tmpdir(), 'alerts-'));
  writeFileSync(join(folder, 'rules.yaml'), stringify(rules));

  it('have a play each', () => {
    expect(all.map(({ alert }) => alert).filter((name) => !(name in PLAYS))).toEqual([]);
  });

  it.skipIf(promtool === undefined)('are rules to promtool', async () => {
    await check(['check', 'rules', join(folder, 'rules.yaml')]);
  });

  it.skipIf(promtool === undefined).each(all)('$alert fires, and does not', async (rule) => {
    const path = join(folder, `${rule.alert}.yaml`);
    const scoped = file !== 'observability/rules.yaml';
    writeFileSync(
      path,
      stringify({
        rule_files: [join(folder, 'rules.yaml')],
        evaluation_interval: '1m',
        tests: tests(rule, PLAYS[rule.alert]!, scoped),
      }),
    );
    await check(['test', 'rules', path]);
  });
});

describe(`F18 metrics${absent}`, () => {
  it.skipIf(promtool === undefined).each(['hub', 'agent'] as const)(
    'of the %s are as promtool wants them',
    async (program) => {
      const text = (await exposed())[program];
      expect(text.length).toBeGreaterThan(1000);
      const { code, stdout, stderr } = await execute('sh', ['-c', `'${promtool!}' check metrics < "$0"`, saved(text)]);
      expect([code, stdout, stderr]).toEqual([0, '', '']);
    },
  );
});

function saved(text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'metrics-')), 'metrics.txt');
  writeFileSync(path, text);
  return path;
}
