// npm run bench:hub [-- --quick] [-- --only routing,durable,crowd,roll] [-- --update]
// Prints the tables of docs/scale.md; --update writes them there, between the marks.
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { buildPrograms } from '../scripts/build.mjs';
import { crowd, durable, roll, routing } from './hub/parts.ts';
import { BenchProcess, root } from './load/process.ts';
import type { Ports } from './load/stack.ts';

const flag = (name: string) => process.argv.includes(name);
const only = flag('--only') ? process.argv[process.argv.indexOf('--only') + 1]!.split(',') : undefined;
const quick = flag('--quick');
const say = (text: string) => void process.stderr.write(`${text}\n`);

await buildPrograms();
const target = BenchProcess.node('bench/load/target.ts');
const ports = JSON.parse(await target.ready) as Ports;
const rows: string[][] = [];
/** `met`: undefined if there is no goal. */
const row = (what: string, measured: string, wanted: string, met: boolean | undefined) =>
  rows.push([what, measured, wanted, met === undefined ? '' : met ? 'met' : '**missed**']);
const ms = (n: number) => `${n.toFixed(n < 10 ? 2 : 0)} ms`;

/** A failed part is reported, and the others go on. */
async function part<T>(name: string, run: () => Promise<T>, tell: (result: T) => void): Promise<void> {
  if (only !== undefined && !only.includes(name)) return;
  say(`bench: ${name} …`);
  try {
    const result = await run();
    say(JSON.stringify(result));
    tell(result);
  } catch (error) {
    say(`bench: ${name}: ${(error as Error).stack}`);
    rows.push([name, `failed: ${(error as Error).message}`, '', '**missed**']);
    process.exitCode = 1;
  }
}

await part(
  'routing',
  () => routing(ports, quick),
  ({ near, far, raw, openNear, openFar, failed }) => {
    const added = (far.p99 - near.p99) / 1000;
    row(
      'routing: echo p99, far less near',
      `${ms(added)} (${ms(far.p99 / 1000)} − ${ms(near.p99 / 1000)})`,
      '≤ 10 ms',
      added <= 10,
    );
    for (const [what, { p50, p99 }] of [
      ['a raw `ws` echo server', raw],
      ['the replica that holds the agent', near],
      ['another replica', far],
    ] as const)
      row(`… the same frames by ${what}: p50, p99`, `${ms(p50 / 1000)}, ${ms(p99 / 1000)}`, '', undefined);
    const opening = openFar.p99 - openNear.p99;
    row(
      'routing: ticket to first byte p99, far less near',
      `${ms(opening)} (${ms(openFar.p99)} − ${ms(openNear.p99)})`,
      '≤ 10 ms',
      opening <= 10,
    );
    row(
      `viewer connects, ${openNear.n + openFar.n + failed} through both replicas`,
      `${failed} failed`,
      '0',
      failed === 0,
    );
  },
);
await part(
  'durable',
  () => durable(ports, quick),
  ({ acceptedPerSecond, finalPerSecond, answer, hubs, cpuMs }) =>
    row(
      `commands accepted durably, ${hubs} replicas`,
      `${Math.round(acceptedPerSecond)}/s, p99 ${ms(answer.p99)}, ${ms(cpuMs)} of the hubs' CPU each; ${Math.round(finalPerSecond)}/s carried out`,
      '≥ 1,000/s',
      acceptedPerSecond >= 1_000,
    ),
);
await part(
  'crowd',
  () => crowd(quick),
  ({ agents, perAgent, lost, returned, back, cores, cpuMs }) => {
    const count = agents.toLocaleString('en');
    row(
      `${count} agents, 1 of 3 replicas killed: back again, p99`,
      `${back.p99.toFixed(1)} s (${returned} of ${lost}, ${ms(cpuMs)} of the hubs' CPU each)`,
      '≤ 15 s',
      back.p99 <= 15 && returned >= 0.99 * lost,
    );
    row('… cores of the busiest other replica, 5 s after', cores.toFixed(2), '≤ 1', cores <= 1);
    row('memory of the hub per idle agent', `${(perAgent / 1024).toFixed(0)} KiB`, '≤ 50 KiB', perAgent <= 50 * 1024);
  },
);
await part(
  'roll',
  () => roll(ports, quick),
  ({ commands, failed, repeated, stall }) => {
    row(
      'a roll of all replicas: failed commands',
      `${failed} of ${commands} (${repeated} calls repeated)`,
      '0',
      failed === 0,
    );
    row('… longest stall of a viewer, p99', ms(stall.p99), '≤ 1 s', stall.p99 <= 1_000);
  },
);
await target.stop();

const table = [['what', 'measured', 'wanted', ''], ['---', '--:', '--:', '---'], ...rows]
  .map((cells) => `| ${cells.join(' | ')} |`)
  .join('\n');
const head = `\`npm run bench:hub${quick ? ' -- --quick' : ''}\`, ${new Date().toISOString().slice(0, 10)}, ${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), Node ${process.version}, load average at the end ${loadavg()[0]!.toFixed(1)}: hubs, Redis, agents and load share this one machine.`;
const text = `${head}\n\n${table}\n`;
process.stdout.write(text);
if (flag('--update')) {
  const page = `${root}docs/scale.md`;
  const now = readFileSync(page, 'utf8');
  writeFileSync(
    page,
    now.replace(
      /(<!-- bench -->\n)[^]*(\n<!-- \/bench -->)/,
      (_all, open: string, close: string) => `${open}\n${text}${close}`,
    ),
  );
}
process.exit();
