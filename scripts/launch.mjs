// Runs the built programs, and ends them on a signal, at the end of npm or of the shell between them, and at this process's own end.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { root } from './setup.mjs';

const LOOK_MS = 500;

/** Parent of a process; 0 where that can't be told. */
function parentOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return 0;
  }
}

/** Calls back once when npm, or the shell in which it runs scripts, is gone: neither forwards every signal. */
function onNpmGone(callback) {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parents = () => `${process.ppid} ${parentOf(process.ppid)}`;
  const first = parents();
  const timer = setInterval(() => {
    if (parents() === first) return;
    clearInterval(timer);
    callback();
  }, LOOK_MS);
  timer.unref();
}

export function launch() {
  // the launcher sees the end of the pipe when this process is gone, for any reason
  const launcher = spawn(process.execPath, ['dist/launcher.js', '--parent-pipe'], {
    cwd: root,
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
  });
  // Ctrl-C and a closed terminal reach the launcher by themselves (same terminal); a signal sent to this process alone is passed on.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => launcher.kill(signal));
  onNpmGone(() => launcher.kill('SIGTERM'));
  launcher.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) launch();
