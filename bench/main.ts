// npm run bench [-- --quick] [-- --only screens,company,commands,scale] [-- --store redis://localhost:6379]
// Prints tables, writes bench/results/latest.json (not with --store), and with --update the summary in docs/bench.md.
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { buildPrograms } from '../scripts/build.mjs';
import { BenchProcess, root } from './load/process.ts';
import { type Ports, Stack } from './load/stack.ts';
import { commands } from './parts/commands.ts';
import { company } from './parts/company.ts';
import { scale } from './parts/scale.ts';
import { screens } from './parts/screens.ts';
import { report, type Results } from './report.ts';

const flag = (name: string) => process.argv.includes(name);
const only = process.argv[process.argv.indexOf('--only') + 1]?.split(',');
const wanted = (part: string) => !flag('--only') || only?.includes(part);
const quick = flag('--quick');
/** STORE_URL of the hub; by default the memory store. */
const storeUrl = flag('--store') ? process.argv[process.argv.indexOf('--store') + 1] : undefined;

const say = (text: string) => process.stderr.write(`${text}\n`);
await buildPrograms();

/** Each part has a fresh hub and agent, so that none inherits another's heap. */
async function withStack<T>(what: string, part: (stack: Stack, ports: Ports) => Promise<T>): Promise<T | undefined> {
  if (!wanted(what)) return undefined;
  say(`bench: ${what} …`);
  const target = BenchProcess.node('bench/load/target.ts');
  const ports = JSON.parse(await target.ready) as Ports;
  const stack = await Stack.start(ports, storeUrl === undefined ? {} : { STORE_URL: storeUrl });
  try {
    return await part(stack, ports);
  } finally {
    await stack.stop();
    await target.stop();
  }
}

const results: Results = {
  store: storeUrl === undefined ? 'memory' : new URL(storeUrl).protocol.slice(0, -1),
  at: new Date().toISOString(),
  machine: { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, memory: totalmem(), node: process.version },
  screens: await withStack('screens', (stack, ports) => screens(stack, ports, quick)),
  company: await withStack('company', (stack) => company(stack, quick)),
  commands: await withStack('commands', (stack) => commands(stack, quick)),
  scale: await withStack('scale', (stack) => scale(stack, quick)),
};
if (storeUrl === undefined) {
  mkdirSync(`${root}/bench/results`, { recursive: true });
  writeFileSync(`${root}/bench/results/latest.json`, `${JSON.stringify(results, null, 2)}\n`);
}
const text = report(results);
process.stdout.write(text);
if (flag('--update')) writeFileSync(`${root}/docs/bench.md`, text);
