// npm run bench:election [-- --rounds 20] [-- --lanes 4] [-- --update]
// Prints the table, writes bench/results/election.json, and with --update the table in docs/ha.md.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { KubeApiserver, kubeApiserverMissing, kubeApiserverVersion } from '@streamspace/testkit';
import { clientGoProgram, ourProgram } from '../test/support/fleet.ts';
import { CONTENDERS } from './contenders.ts';
import { Quiet } from './quiet.ts';
import { report, type Results } from './report.ts';
import { commonRound, deadWatchRound, kubeletRound, requestsPerMinute, type Arena } from './rounds.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const option = (name: string, fallback: number) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : Number(process.argv[at + 1]);
};
const rounds = option('rounds', 20);
const lanes = option('lanes', 4);
const say = (text: string): void => void process.stderr.write(`bench: ${text}\n`);

const missing = kubeApiserverMissing();
if (missing !== undefined) throw new Error(`the bench needs a real API server: ${missing}`);
const theirs = await clientGoProgram();
if ('missing' in theirs) say(`without client-go: ${theirs.missing}`);
const contenders = CONTENDERS.filter(({ kind }) => kind === 'ours' || !('missing' in theirs));
const server = await KubeApiserver.start({ audit: true });

const results: Results = {
  at: new Date().toISOString(),
  machine: { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, node: process.version },
  versions: kubeApiserverVersion(),
  rounds,
  load: [],
  failed: [],
  contenders: contenders.map(({ name }) => ({ name, requestsPerMinute: undefined, seconds: {} })),
};
const entry = (name: string) => results.contenders.find((candidate) => candidate.name === name)!;
const arena: Arena = {
  server,
  quiet: new Quiet(),
  commands: { ours: await ourProgram(), 'client-go': 'missing' in theirs ? [] : theirs },
  measure: ({ name }, row, ms) => void (entry(name).seconds[row] ??= []).push(ms / 1000),
};

/** After every round: a run takes long. */
const save = async () => {
  await mkdir(`${root}bench/results`, { recursive: true });
  await writeFile(`${root}bench/results/election.json`, `${JSON.stringify(results, null, 2)}\n`);
};

try {
  say('requests per minute …');
  await Promise.all(
    contenders.map(async (contender) => {
      entry(contender.name).requestsPerMinute = await requestsPerMinute(arena, contender, 60);
    }),
  );
  const jobs: (() => Promise<void>)[] = [];
  for (let round = 1; round <= rounds; round++) {
    jobs.push(() => Promise.resolve(say(`round ${round} of ${rounds} …`)));
    // the slow ones first, so that they run beside the others
    for (const contender of contenders) jobs.push(() => commonRound(arena, contender));
    for (const contender of contenders.filter(({ kind }) => kind === 'ours')) {
      jobs.push(
        () => deadWatchRound(arena, contender),
        () => kubeletRound(arena, contender),
      );
    }
  }
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      for (let job = jobs.shift(); job; job = jobs.shift()) {
        try {
          await job();
        } catch (error) {
          results.failed.push(String(error).slice(0, 2000));
          say(`a round failed: ${String(error).slice(0, 2000)}`);
        }
        results.load.push(loadavg()[0]!);
        await save();
      }
    }),
  );
} finally {
  await server.stop();
}

const text = report(results);
process.stdout.write(`${text}\n`);
if (process.argv.includes('--update')) {
  const path = `${root}docs/ha.md`;
  const page = await readFile(path, 'utf8');
  const marks = /(<!-- bench:election -->\n)[^]*?(<!-- end -->)/;
  await writeFile(
    path,
    page.replace(marks, (_, begin: string, end: string) => `${begin}\n${text}\n\n${end}`),
  );
}
