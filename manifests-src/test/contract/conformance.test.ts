import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { EXCEPTIONS } from '../../src/objects/exceptions.ts';
import { execute, HELMS, onPath } from '../support/tools.ts';

// What others say of the renders of test-values. Each tool is used where it is on PATH.
const root = fileURLToPath(new URL('../../../', import.meta.url));
const golden = readdirSync(`${root}test-values/golden`).map((file) => `test-values/golden/${file}`);
const plain = readdirSync(`${root}manifests`).map((file) => `manifests/${file}`);
const absent = (tool: string): string => (onPath(tool) === undefined ? ` (${tool} is not on PATH)` : '');
const rules = (tool: string): string[] => EXCEPTIONS.filter((each) => each.tool === tool).map(({ rule }) => rule);

const VERSIONS = ['1.28', '1.29', '1.30', '1.31', '1.32', '1.33', '1.34', '1.35'];
/** Kinds of others, of which the schemas of Kubernetes know nothing. */
const FOREIGN = /Couldn't find schema for kind (ServiceMonitor|PodMonitor|PrometheusRule|HTTPRoute) /;
/** Kinds that these versions do not know; values by which they are made say so. */
const NEWER: Readonly<Record<string, RegExp>> = Object.fromEntries(
  ['1.28', '1.29'].map((version) => [version, /Couldn't find schema for kind ValidatingAdmissionPolicy(Binding)? /]),
);

describe(`kubernetes-validate, strictly${absent('kubernetes-validate')}`, () => {
  it.skipIf(onPath('kubernetes-validate') === undefined).each(VERSIONS)(
    'finds every object right for Kubernetes %s',
    async (version) => {
      const { code, stdout, stderr } = await execute(
        onPath('kubernetes-validate')!,
        ['-k', version, '--strict', ...golden, ...plain],
        { cwd: root },
      );
      const said = `${stdout}${stderr}`
        .split('\n')
        .filter(
          (line) => line !== '' && !line.startsWith('INFO') && !FOREIGN.test(line) && !NEWER[version]?.test(line),
        );
      expect([code, said]).toEqual([0, []]);
      expect(`${stdout}${stderr}`).toContain('passed');
    },
    60_000,
  );
});

describe(`kube-score${absent('kube-score')}`, () => {
  const score = async (ignored: readonly string[]) => {
    const flags = ignored.flatMap((rule) => ['--ignore-test', rule]);
    const found: string[] = [];
    // one by one: an object of one case is none of another's business
    for (const file of [...golden, ...plain]) {
      const { stdout } = await execute(onPath('kube-score')!, ['score', '--output-format', 'ci', ...flags, file], {
        cwd: root,
      });
      expect(stdout).toContain('[OK]');
      found.push(...stdout.split('\n').filter((line) => line.startsWith('[CRITICAL]')));
    }
    return found;
  };

  it.skipIf(onPath('kube-score') === undefined)('finds nothing critical but the exceptions', async () => {
    expect(await score(rules('kube-score'))).toEqual([]);
  });

  it.skipIf(onPath('kube-score') === undefined).each(rules('kube-score'))(
    'still needs the exception from %s',
    async (rule) => {
      expect(await score(rules('kube-score').filter((each) => each !== rule))).not.toEqual([]);
    },
  );
});

describe(`checkov${absent('checkov')}`, () => {
  it.skipIf(onPath('checkov') === undefined)(
    'finds nothing but the exceptions, and needs each of them',
    async () => {
      const files = golden.flatMap((file) => ['-f', file]);
      const { stdout } = await execute(
        onPath('checkov')!,
        [...files, '--framework', 'kubernetes', '--skip-download', '-o', 'json', '--quiet'],
        { cwd: root },
      );
      const report = JSON.parse(stdout) as {
        summary: { passed: number };
        results: { failed_checks: { check_id: string; check_name: string; resource: string }[] };
      };
      const failed = report.results.failed_checks;
      const others = failed.filter(({ check_id }) => !rules('checkov').includes(check_id));
      expect(others.map(({ check_id, check_name, resource }) => `${check_id} ${check_name} ${resource}`)).toEqual([]);
      expect([...new Set(failed.map(({ check_id }) => check_id))].sort()).toEqual(rules('checkov').sort());
      expect(report.summary.passed).toBeGreaterThan(500);
    },
    120_000,
  );
});

describe.each(HELMS)('$name lint --strict', ({ file, name }) => {
  const reason = file === undefined ? ` (${name} is not on PATH)` : '';
  it.skipIf(file === undefined).each(golden)(`is content with the values of %s${reason}`, async (path) => {
    const values = path.replace('golden/', '');
    const { stdout: first } = await execute('head', ['-1', values], { cwd: root });
    const { code, stdout, stderr } = await execute(
      file!,
      ['lint', '--strict', first.trim().replace('# chart: ', ''), '-f', values],
      { cwd: root },
    );
    expect([code, stdout.match(/\[(WARNING|ERROR)\].*/g), stderr]).toEqual([0, null, '']);
  });
});
