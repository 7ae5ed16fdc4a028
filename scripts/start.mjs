// npm start: everything on this machine: the hub, three replicas of one agent, the page, a first desktop.
import { spawn } from 'node:child_process';
import { checkNode, debianPackages, DESKTOP, npmPackages, root, say } from './setup.mjs';

checkNode();
npmPackages();
const missing = debianPackages(DESKTOP, 'real desktops (Xvnc), each isolated (bubblewrap)');
if (missing.some((name) => name !== DESKTOP.bwrap))
  say('Without them sessions are the built-in desktop: a small one, but it works.');
if (missing.includes(DESKTOP.bwrap)) say('Without bubblewrap only one user can have sessions (docs/agent.md).');
say('Building …');
const { buildConsole, buildPrograms } = await import('./build.mjs');
await Promise.all([buildPrograms(), buildConsole()]);

const launcher = spawn(process.execPath, ['dist/launcher.js'], { cwd: root, stdio: 'inherit' });
// Ctrl-C reaches the launcher by itself (same terminal); a signal sent to this process alone is passed on.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => launcher.kill('SIGTERM'));
launcher.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
