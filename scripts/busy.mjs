// npm run test:busy: the suites again and again with two busy loops beside them, as on a busy machine; prints the failures
// of each run. By default 10 runs of every project: `npm run test:busy -- --runs 3 --project integration --project e2e`. The other
// arguments go to vitest. Not part of CI: it takes hours.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { root, say } from './setup.mjs';

const LOOPS = 2;
/** Milliseconds that one run may take. */
const RUN_MS = 90 * 60_000;

const args = process.argv.slice(2);
const at = args.indexOf('--runs');
const runs = at < 0 ? 10 : Number(args.splice(at, 2)[1]);
if (!Number.isInteger(runs) || runs < 1 || runs > 100) {
  say('--runs takes a whole number from 1 to 100');
  process.exit(2);
}
const limit = runs * RUN_MS;
// they end by themselves if this process is killed
const burn = `const end = Date.now() + ${limit}; while (Date.now() < end && process.ppid === ${process.pid}) for (let n = 0; n < 1e7; n++);`;
const loops = Array.from({ length: LOOPS }, () => spawn(process.execPath, ['-e', burn], { stdio: 'ignore' }));
process.once('exit', () => loops.forEach((loop) => loop.kill('SIGKILL')));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

mkdirSync(`${root}/test-results`, { recursive: true });
const report = `${root}/test-results/busy.json`;
/** Test → the runs in which it failed. */
const failed = new Map();
const note = (what, run) => failed.set(what, [...(failed.get(what) ?? []), run]);
for (let run = 1; run <= runs; run++) {
  say(`run ${run} of ${runs}`);
  rmSync(report, { force: true });
  const command = [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--reporter=dot',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ];
  const { status } = spawnSync(process.execPath, [...command, ...args], {
    cwd: root,
    stdio: 'inherit',
    timeout: RUN_MS,
  });
  let found = 0;
  try {
    for (const file of JSON.parse(readFileSync(report, 'utf8')).testResults) {
      const name = file.name.replace(`${root}/`, '');
      const bad = file.assertionResults
        .filter((test) => test.status === 'failed')
        .map((test) => `${name} > ${test.fullName}`);
      if (file.status === 'failed' && bad.length === 0) bad.push(name);
      for (const each of bad) note(each, run);
      found += bad.length;
    }
  } catch (error) {
    note(`no result: ${error.message}`, run);
    found++;
  }
  if (status !== 0 && found === 0) note('vitest failed outside of a test, or did not end in time', run);
}
for (const [what, when] of failed) say(`failed in run ${when.join(', ')}: ${what}`);
say(
  `${runs} runs beside ${LOOPS} busy loops: ${failed.size === 0 ? 'nothing failed' : `${failed.size} failed at least once`}`,
);
process.exit(failed.size === 0 ? 0 : 1);
