// npm run check: what CI runs. Formatting, lint (with the boundaries between the packages), types, generated files, then every test.
import { spawnSync } from 'node:child_process';
import { checkNode, npmPackages, root, say } from './setup.mjs';

checkNode();
npmPackages();
const steps = [
  // the lock file has every platform's optional packages, so that `npm ci` takes it anywhere
  ['lock file', 'npm', 'ci', '--dry-run', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'],
  ['format', 'prettier', '--check', '--log-level=warn', '.'],
  ['lint', 'oxlint', '--type-aware', '--quiet'],
  ['types', 'tsc', '-p', 'tsconfig.json'],
  ['types of the console', 'tsc', '-p', 'console/tsconfig.json'],
  ['generated files', 'node', 'scripts/run-ts.mjs', 'scripts/update.ts', '--verify'],
  ['unused code and packages', 'knip', '--no-progress'],
  ['exported names', 'node', 'scripts/run-ts.mjs', 'scripts/names.ts'],
];
for (const [what, program, ...args] of steps) {
  say(`check: ${what}`);
  const own = program === 'node' || program === 'npm';
  const path = program === 'node' ? process.execPath : own ? program : `${root}/node_modules/.bin/${program}`;
  const { status } = spawnSync(path, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) {
    say(`check: ${what} failed; by hand: ${own ? '' : 'npx '}${program} ${args.join(' ')}`);
    say('0 passed, 1 failed, 0 skipped');
    process.exit(1);
  }
}
process.exit(
  spawnSync(process.execPath, ['scripts/test.mjs', ...process.argv.slice(2)], { cwd: root, stdio: 'inherit' }).status ??
    1,
);
