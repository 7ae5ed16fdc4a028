// npm run bench:docker [-- --rounds 10] [-- --at-once 20] [-- --listed 200] [-- --claims 50] [-- --quick] [-- --only starts,lists,warm,tunnel] [-- --update]
// Sessions on the Docker engine of DOCKER_HOST beside plain containers of the same image, in turns in one run. Prints the table of docs/docker.md;
// --update writes it there, between the marks.
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { buildPrograms } from '../ci/kind/images.ts';
import { buildPrograms as bundle } from '../scripts/build.mjs';
import { claims } from './docker/warm.ts';
import { Place, soon } from './docker/place.ts';
import { lists, starts } from './docker/starts.ts';
import { tunnel } from './docker/tunnel.ts';
import { root } from './load/process.ts';
import { distribution } from './load/statistics.ts';

const { values: given } = parseArgs({
  options: {
    rounds: { type: 'string', default: '10' },
    'at-once': { type: 'string', default: '20' },
    listed: { type: 'string', default: '200' },
    claims: { type: 'string', default: '50' },
    only: { type: 'string', default: 'starts,lists,warm,tunnel' },
    quick: { type: 'boolean', default: false },
    update: { type: 'boolean', default: false },
  },
});
const count = (name: 'rounds' | 'at-once' | 'listed' | 'claims'): number => {
  const value = Number(given[name]);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name}: takes a whole number from 1`);
  return value;
};
const [rounds, atOnce, listed, claimed] = [count('rounds'), count('at-once'), count('listed'), count('claims')];
const parts = given.only.split(',');
const say = (text: string) => void process.stderr.write(`${text}\n`);
const start = loadavg()[0]!;

const ms = (value: number): string => `${value < 100 ? value.toFixed(1) : Math.round(value)} ms`;
const rows: string[][] = [];
const goals: string[][] = [];
const row = (what: string, samples: readonly number[]) => {
  const { p50, p95, p99, max, n } = distribution(samples);
  rows.push([what, ms(p50), ms(p95), ms(p99), ms(max), String(n)]);
  return { p50, p99 };
};
const goal = (what: string, measured: string, wanted: string, met: boolean) =>
  goals.push([what, measured, wanted, met ? 'met' : '**missed**']);

const place = new Place();
const { ServerVersion } = await place.engine.json<{ ServerVersion: string }>('/info', {}, soon());
try {
  if (parts.includes('starts')) {
    say('bench: starts …');
    const { plain, sessions, plainAtOnce, sessionsAtOnce } = await starts(place, rounds, atOnce);
    const one = row('plain container → its screen greets', plain);
    const ours = row('create → session running', sessions);
    const many = row(`${atOnce} plain containers at once, all of them`, plainAtOnce);
    const oursMany = row(`${atOnce} sessions at once, all of them`, sessionsAtOnce);
    const more = ours.p50 - one.p50;
    const times = oursMany.p50 / many.p50;
    goal('a session after a plain container, median', `+ ${ms(more)}`, '+ 150 ms', more <= 150);
    goal(`${atOnce} at once, to plain containers`, `× ${times.toFixed(2)}`, '× 1.3', times <= 1.3);
  }
  if (parts.includes('warm')) {
    say('bench: warm containers …');
    const { running, screen, cold } = await claims(place, claimed);
    const { p50, p99 } = row(`with a warm container: create → session running (${cold} got none)`, running);
    row('… running → first byte of the screen', screen);
    goal('a warm container, median', ms(p50), '100 ms', p50 <= 100);
    goal('a warm container, p99', ms(p99), '400 ms', p99 <= 400);
  }
  if (parts.includes('lists')) {
    say('bench: lists …');
    const times = await lists(place, listed);
    row('a record made', times.records);
    const { p50 } = row(`list of ${listed} sessions that sleep`, times.lists);
    goal(`${listed} sessions listed, median`, ms(p50), '200 ms', p50 < 200);
  }
} finally {
  await place.close();
}
const screens: string[] = [];
if (parts.includes('tunnel')) {
  say('bench: the tunnel …');
  await bundle();
  await buildPrograms(['agent']);
  const ways = await tunnel(given.quick);
  screens.push(
    '',
    '| a screen through hub, agent and tunnel | echo p50 | p99 | download |',
    '| --- | --: | --: | --: |',
    ...ways.map(
      ({ name, echo, download }) =>
        `| ${name} | ${Math.round(echo.p50)} µs | ${Math.round(echo.p99)} µs | ${Math.round(download)} MiB/s |`,
    ),
  );
}
const text = [
  `\`npm run bench:docker\`, Docker ${ServerVersion}, Node ${process.version}, ${cpus().length} cores (${cpus()[0]!.model.trim()}), ${new Date().toISOString().slice(0, 10)}, load average ${start.toFixed(1)} at the start:`,
  '',
  '| what | median | p95 | p99 | max | n |',
  '| --- | --: | --: | --: | --: | --: |',
  ...rows.map((cells) => `| ${cells.join(' | ')} |`),
  ...screens,
  '',
  '| goal | measured | at most | |',
  '| --- | --: | --: | --- |',
  ...goals.map((cells) => `| ${cells.join(' | ')} |`),
  '',
].join('\n');
process.stdout.write(text);
if (given.update) {
  const path = `${root}docs/docker.md`;
  const [begin, end] = ['<!-- bench:docker -->', '<!-- end -->'];
  const page = readFileSync(path, 'utf8');
  const from = page.indexOf(begin) + begin.length;
  writeFileSync(path, `${page.slice(0, from)}\n\n${text}\n${page.slice(page.indexOf(end, from))}`);
}
