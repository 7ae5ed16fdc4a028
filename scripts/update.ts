// npm run update writes all generated files; npm run verify (--verify) fails if they differ from the committed ones, and shows the difference.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generatedManifests, OWNED } from '../manifests-src/src/generated.ts';
import type { Generated } from './generate/generated.ts';
import { observability } from './generate/observability.ts';
import { settingsPages } from './generate/settings.ts';
import { socketProxy } from './generate/socket-proxy.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const generators: ((root: string) => Promise<Generated>)[] = [
  settingsPages,
  observability,
  generatedManifests,
  socketProxy,
];
const verify = process.argv.includes('--verify');
const scratch = mkdtempSync(join(tmpdir(), 'update-'));

let drifted = 0;
function drift(path: string, now: string | undefined, then: string | undefined): void {
  drifted++;
  process.stdout.write(`${verify ? 'not up to date' : 'updated'}: ${path}\n`);
  if (!verify) return;
  const [before, after] = [join(scratch, 'before'), join(scratch, 'after')];
  writeFileSync(before, now ?? '');
  writeFileSync(after, then ?? '');
  spawnSync('diff', ['-u', '--label', `${path} (here)`, '--label', `${path} (generated)`, before, after], {
    stdio: 'inherit',
  });
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

const all: Generated = new Map();
for (const generate of generators) for (const [path, content] of await generate(root)) all.set(path, content);
for (const [path, content] of all) {
  const now = await readFile(root + path, 'utf8').catch(() => undefined);
  if (now === content) continue;
  drift(path, now, content);
  if (verify) continue;
  await mkdir(dirname(root + path), { recursive: true });
  await writeFile(root + path, content);
}
// files in a generated folder that are no longer generated
for (const path of (await Promise.all(OWNED.map((folder) => filesIn(root + folder)))).flat()) {
  if (all.has(path)) continue;
  drift(path, await readFile(root + path, 'utf8'), undefined);
  if (!verify) await rm(root + path);
}
rmSync(scratch, { recursive: true });
if (verify && drifted > 0) {
  process.stdout.write('run `npm run update` and commit what it writes\n');
  process.exitCode = 1;
} else if (verify) process.stdout.write(`${all.size} generated files are as they should be\n`);
