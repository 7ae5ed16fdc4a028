import type { Commands } from './parts/commands.ts';
import type { Company } from './parts/company.ts';
import type { Scale } from './parts/scale.ts';
import type { Contender } from './parts/screens.ts';

export interface Results {
  /** Kind of the hub's store. */
  store?: string;
  at: string;
  machine: { cpu: string; cores: number; memory: number; node: string };
  screens: Contender[] | undefined;
  company: Company | undefined;
  commands: Commands | undefined;
  scale: Scale | undefined;
}

const MIB = 1024 * 1024;
const whole = (n: number) => Math.round(n).toLocaleString('en');
const one = (n: number) => n.toFixed(1);
const ratio = (n: number) => `${n.toFixed(2)} ×`;

function table(head: string[], rows: (string | number)[][]): string {
  return [head, head.map((_, index) => (index === 0 ? '---' : '--:')), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

function goal(what: string, value: string, wanted: string, met: boolean): (string | number)[] {
  return [what, value, wanted, met ? 'met' : '**missed**'];
}

/** The results as Markdown: docs/bench.md is one of these. */
export function report(results: Results): string {
  const parts = [
    '# Bench',
    `\`npm run bench\`, ${results.at.slice(0, 10)}, ${results.machine.cores} cores (${results.machine.cpu}), Node ${results.machine.node}. Both ends, all contenders and the load run on this one machine over loopback; contenders take turns within one run. Made by \`npm run bench -- --update\`.`,
  ];
  const goals: (string | number)[][] = [];
  if (results.screens) {
    parts.push(
      '## A screen, compared with others',
      '32-byte echo, one after the other, then a download at full speed. Ours crosses two processes (hub and agent), websockify one.',
      table(
        ['', 'echo p50 µs', 'p95', 'p99', 'download MiB/s'],
        results.screens.map(({ name, echo, throughput }) => [
          name,
          whole(echo.p50),
          whole(echo.p95),
          whole(echo.p99),
          whole(throughput),
        ]),
      ),
    );
    const ours = results.screens.find(({ name }) => name.startsWith('StreamSpace'))!;
    const websockify = results.screens.find(({ name }) => name.startsWith('websockify'));
    if (websockify) {
      const slower = ours.echo.p50 / websockify.echo.p50;
      const part = ours.throughput / websockify.throughput;
      goals.push(
        goal('echo p50 to websockify', ratio(slower), '≤ 2 ×', slower <= 2),
        goal('download to websockify', ratio(part), '≥ 0.6 ×', part >= 0.6),
      );
    }
  }
  if (results.company) {
    const { alone, besideFourBusy, fifty, fiftyAndFrozen, fiftyFrozenAndDownload, frozenBytes, flood } =
      results.company;
    const row = (name: string, d: typeof alone) => [name, whole(d.n), whole(d.p50), whole(d.p95), whole(d.p99)];
    parts.push(
      '## Several viewers',
      table(
        ['echo, µs', 'n', 'p50', 'p95', 'p99'],
        [
          row('one viewer alone', alone),
          row('beside 4 screens of 8 MiB/s', besideFourBusy),
          row('50 viewers, 50 echoes/s each', fifty),
          row('… and one frozen viewer', fiftyAndFrozen),
          row('… and one download at full speed', fiftyFrozenAndDownload),
        ],
      ),
      `A frozen viewer of a flooding screen costs ${one(frozenBytes / MIB)} MiB (hub and agent together; mean of 20). ${flood.streams} downloads side by side: ${one(flood.slowest)} to ${one(flood.fastest)} MiB/s.`,
    );
    const tail = besideFourBusy.p99 / besideFourBusy.p50;
    const frozen = fiftyAndFrozen.p99 / fifty.p99;
    const fair = flood.slowest / flood.fastest;
    goals.push(
      goal('p99 to p50 beside 4 busy screens', ratio(tail), '≤ 3 ×', tail <= 3),
      goal("one frozen viewer, others' p99", ratio(frozen), '≤ 1.1 ×', frozen <= 1.1),
      goal('memory of a frozen viewer', `${one(frozenBytes / MIB)} MiB`, '≤ 1 MiB', frozenBytes <= MIB),
      goal('slowest to fastest of 10 downloads', ratio(fair), '≥ 0.5 ×', fair >= 0.5),
    );
  }
  if (results.commands) {
    const { perSecond, inFlight, create } = results.commands;
    parts.push(
      '## Commands',
      `${whole(perSecond)} commands per second accepted and completed, ${inFlight} at a time (creates and deletes, a driver that takes no time, ${results.store ?? 'memory'} store).`,
      table(
        ['create, ms (POST to completed)', 'n', 'p50', 'p95', 'p99'],
        [['hub and agent together', create.n, one(create.p50), one(create.p95), one(create.p99)]],
      ),
    );
    goals.push(goal('overhead of a create, p99, 50 at once', `${one(create.p99)} ms`, '≤ 50 ms', create.p99 <= 50));
  }
  if (results.scale) {
    const { agents, sessions, hubBytes, perAgent, perSession, perStream } = results.scale;
    parts.push(
      '## Scale',
      table(
        [`one hub, ${results.store ?? 'memory'} store`, ''],
        [
          [
            `resident memory with ${whole(agents)} agents and ${whole(sessions)} sessions`,
            `${whole(hubBytes / MIB)} MiB`,
          ],
          ['an idle agent', `${one(perAgent / 1024)} KiB`],
          ['a session', `${one(perSession / 1024)} KiB`],
          ['an open idle screen, hub and agent together', `${one(perStream / 1024)} KiB`],
        ],
      ),
    );
    goals.push(
      goal(
        `hub with ${whole(agents)} agents, ${whole(sessions)} sessions`,
        `${whole(hubBytes / MIB)} MiB`,
        '≤ 1,024 MiB',
        hubBytes <= 1024 * MIB,
      ),
    );
  }
  parts.push('## Goals', table(['', 'measured', 'goal', ''], goals));
  return `${parts.join('\n\n')}\n`;
}
