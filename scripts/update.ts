// npm run update writes everything that is generated; npm run verify (--verify) fails when it is not what is committed.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { settingsPages } from './generate/settings.ts';

/** Path from the root → content. */
export type Generated = Map<string, string>;

const root = fileURLToPath(new URL('..', import.meta.url));
const generators: ((root: string) => Promise<Generated>)[] = [settingsPages];
const verify = process.argv.includes('--verify');

let drifted = 0;
for (const generate of generators) {
  for (const [path, content] of await generate(root)) {
    const now = await readFile(root + path, 'utf8').catch(() => undefined);
    if (now === content) continue;
    drifted++;
    process.stdout.write(`${verify ? 'not up to date' : 'updated'}: ${path}\n`);
    if (verify) continue;
    await mkdir(dirname(root + path), { recursive: true });
    await writeFile(root + path, content);
  }
}
if (verify && drifted > 0) {
  process.stdout.write('run `npm run update` and commit what it writes\n');
  process.exitCode = 1;
}
