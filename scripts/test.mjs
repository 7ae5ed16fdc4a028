// npm test: sets up, runs every suite that this machine can run, lists the others with the reason.
// Arguments go to vitest: `npm test -- --project unit`.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { checkNode, debianPackages, DESKTOP, npmPackages, root, say } from './setup.mjs';

checkNode();
npmPackages();
debianPackages({ ...DESKTOP, 'chromium|chromium-browser|google-chrome': 'chromium' }, 'the end-to-end suites');
debianPackages({ nginx: 'nginx' }, 'the suites behind a real proxy');
debianPackages({ 'valkey-server|redis-server': 'redis-server' }, 'the suites on a real Redis');
debianPackages({ curl: 'curl', jq: 'jq' }, 'what readers type on a cluster');

mkdirSync(`${root}/test-results`, { recursive: true });
const report = `${root}/test-results/vitest.json`;
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
const started = Date.now();
const vitest = spawnSync(
  process.execPath,
  ['node_modules/vitest/vitest.mjs', 'run', ...reporters, ...process.argv.slice(2)],
  { cwd: root, stdio: 'inherit' },
);

let passed = 0;
let failed = 0;
const skipped = new Map();
try {
  const { startTime, testResults } = JSON.parse(readFileSync(report, 'utf8'));
  if (startTime < started - 1000) throw new Error('the report is of an earlier run');
  for (const file of testResults) {
    if (file.status === 'failed' && file.assertionResults.length === 0) failed++;
    for (const test of file.assertionResults) {
      if (test.status === 'passed') passed++;
      else if (test.status === 'failed') failed++;
      else {
        const suite = test.ancestorTitles.join(' › ') || test.title;
        skipped.set(suite, (skipped.get(suite) ?? 0) + 1);
      }
    }
  }
} catch (error) {
  say(`No result could be read: ${error.message}`);
  failed++;
}
if (skipped.size > 0) {
  say('\nNot run here:');
  for (const [suite, count] of skipped) say(`  ${suite} (${count})`);
}
const notRun = [...skipped.values()].reduce((sum, count) => sum + count, 0);
if (vitest.status !== 0 && failed === 0) {
  say('vitest failed outside of a test: see above.');
  failed++;
}
say(`\n${passed} passed, ${failed} failed, ${notRun} skipped`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
