import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import process from 'node:process';

function onPath(program: string): string | undefined {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return join(folder, program);
    } catch {
      // in the next one, then
    }
  }
  return undefined;
}

/** Path of a Valkey or Redis server: VALKEY_SERVER (a path), or else the first of the two on the PATH. */
export const SERVER =
  process.env['VALKEY_SERVER'] ?? ['valkey-server', 'redis-server'].map(onPath).find((path) => path !== undefined);

/** For titles of suites: their server, or the reason why they don't run. */
export const ABOUT_SERVER = SERVER === undefined ? ' (not run: no valkey-server or redis-server on the PATH)' : named();

function named(): string {
  const { stdout, error } = spawnSync(SERVER!, ['--version'], { encoding: 'utf8' });
  if (error !== undefined) throw new Error(`VALKEY_SERVER=${SERVER}: ${error.message}`, { cause: error });
  const [, name, version] = /^(\w+) server v=(\S+)/.exec(stdout) ?? [];
  if (name === undefined) throw new Error(`VALKEY_SERVER=${SERVER} is no Valkey or Redis server: ${stdout}`);
  return ` (${name} ${version})`;
}
