// Prerequisites of `npm start` and `npm test`: a suitable Node, npm packages, and Debian packages if this user may install them.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

export function say(text) {
  process.stdout.write(`${text}\n`);
}

export function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  say(`Node ${process.versions.node} is too old: StreamSpace needs 20.19 or newer (https://nodejs.org)`);
  process.exit(1);
}

function onPath(...programs) {
  return programs.some((program) =>
    // where Debian has servers, which is on root's PATH only
    [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin'].some((folder) => {
      try {
        accessSync(join(folder, program), constants.X_OK);
        return true;
      } catch {
        return false;
      }
    }),
  );
}

/** Exactly the packages of the lock file, unless the installed ones are newer than it. */
export function npmPackages() {
  const installed = join(root, 'node_modules/.package-lock.json');
  const lock = join(root, 'package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return;
  say('Installing npm packages (once, about a minute) …');
  const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (npm.status !== 0) {
    say('npm ci failed: see above. Behind a proxy, set it with `npm config set proxy`.');
    process.exit(1);
  }
}

/**
 * Debian packages behind programs: installed if this user may, otherwise listed.
 * wanted: {program(s): package}; `why` completes "… for". Returns the packages that are still missing.
 */
export function debianPackages(wanted, why) {
  const missing = Object.entries(wanted).filter(([programs]) => !onPath(...programs.split('|')));
  if (missing.length === 0) return [];
  const packages = missing.map(([, name]) => name);
  const manual = `apt-get install ${packages.join(' ')}`;
  if (process.getuid?.() !== 0 || !onPath('apt-get')) {
    say(`For ${why}: ${manual}`);
    return packages;
  }
  say(`Installing ${packages.join(', ')} for ${why} (once) …`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const run = (...args) => spawnSync('apt-get', args, { env, stdio: ['ignore', 'ignore', 'pipe'], timeout: 600_000 });
  run('update', '-qq');
  const install = run('install', '-y', '-qq', '--no-install-recommends', ...packages);
  if (install.status === 0) return [];
  say(`That did not work (${String(install.stderr).trim().split('\n').at(-1)}). By hand: ${manual}`);
  return packages;
}

export const DESKTOP = {
  'Xvnc|Xtigervnc': 'tigervnc-standalone-server',
  openbox: 'openbox',
  xterm: 'xterm',
  bwrap: 'bubblewrap',
};
