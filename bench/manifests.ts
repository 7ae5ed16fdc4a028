// npm run bench:manifests [-- --rounds 20]
// Full synth of every case of test-values/, `helm template` of one, and the Argo CD plugin in its container as the repo-server runs it: no network, a root
// that is read-only, uid 999. Prints a table in seconds. docs/argocd.md quotes its figures.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { systemClock } from 'clock-port';
import { buildPrograms, PLUGIN } from '../ci/kind/images.ts';
import { whyNoKind } from '../ci/kind/host.ts';
import { plainApp } from '../manifests-src/src/render/plain.ts';
import { distribution } from './load/statistics.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const at = process.argv.indexOf('--rounds');
const rounds = at < 0 ? 20 : Number(process.argv[at + 1]);
if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds: takes a whole number from 1');
const run = promisify(execFile);
const seconds = (ms: number) => (ms / 1000).toFixed(3);

async function timed(work: () => unknown): Promise<number> {
  const since = systemClock.monotonic();
  await work();
  return systemClock.monotonic() - since;
}

function row(what: string, times: number[], goal: string): void {
  const { p50, p95 } = distribution(times);
  const cells = [what, seconds(p50), seconds(p95), goal];
  process.stdout.write(`| ${cells.join(' | ')} |\n`);
}

process.stdout.write(`| ${rounds} rounds | median s | p95 s | goal |\n| --- | --- | --- | --- |\n`);
const folder = await mkdtemp(join(tmpdir(), 'synth-'));
const synth: number[] = [];
for (let round = 0; round < rounds; round++) {
  synth.push(await timed(() => plainApp(`${root}test-values`, folder).synth()));
}
await rm(folder, { recursive: true });
row('full synth: every case of test-values/', synth, '< 1');

const template = ['template', 'streamspace', `${root}chart`, '-n', 'streamspace', '-f', `${root}test-values/ha.yaml`];
const rendered: number[] = [];
try {
  for (let round = 0; round < rounds; round++) {
    rendered.push(await timed(() => run('helm', template, { maxBuffer: 64 << 20, timeout: 60_000 })));
  }
  row('helm template: test-values/ha.yaml', rendered, '< 1');
} catch (error) {
  process.stdout.write(`helm template was not measured: ${(error as Error).message.split('\n')[0]}\n`);
}

const missing = await whyNoKind();
if (missing !== undefined) process.stdout.write(`The plugin in its container was not measured: ${missing}\n`);
else {
  await buildPrograms(['argocd-plugin']);
  const limits = ['--network', 'none', '--read-only', '--tmpfs', '/tmp', '--user', '999:999', '--cap-drop', 'ALL'];
  const repository = [
    '--volume',
    `${root}:/repository:ro`,
    '--workdir',
    '/repository',
    '--env',
    'ARGOCD_APP_NAME=streamspace',
    '--env',
    'ARGOCD_APP_NAMESPACE=desktops',
  ];
  const idle = ['--entrypoint', 'sleep', PLUGIN, 'infinity'];
  const { stdout } = await run('docker', ['run', '--detach', '--rm', ...limits, ...repository, ...idle]);
  const container = stdout.trim();
  try {
    const generate = ['exec', container, 'node', '/usr/local/lib/streamspace/plugin.cjs', 'generate'];
    const times: number[] = [];
    for (let round = 0; round < rounds; round++) {
      times.push(await timed(() => run('docker', generate, { maxBuffer: 64 << 20, timeout: 60_000 })));
    }
    row('plugin: generate in its container', times, '< 2 (p95)');
  } finally {
    await run('docker', ['kill', container]);
  }
}
