// Runs a TypeScript file of this workspace from its sources: node scripts/run-ts.mjs FILE [ARGUMENTS]
import { spawn } from 'node:child_process';
import { checkNode, npmPackages, root } from './setup.mjs';

checkNode();
npmPackages();
const child = spawn(process.execPath, ['--conditions=source', '--import', 'tsx', ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
