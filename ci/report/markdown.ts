import { CLIENT_GO } from './client-go.ts';
import type { Distribution, Summary } from './summary.ts';

const seconds = (ms: number | undefined): string =>
  ms === undefined ? '–' : ms < 995 ? (ms / 1_000).toFixed(2) : (ms / 1_000).toFixed(1);

const shares = ({ values, median, p95, p99 }: Distribution): string =>
  values.length === 0 ? '–' : values.length === 1 ? seconds(median) : [median, p95, p99].map(seconds).join(', ');

function table(rows: readonly (readonly string[])[]): string {
  const [head, ...body] = rows;
  return [head!, head!.map((_, index) => (index < 2 ? '---' : '--:')), ...body]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

const FIGURES = {
  election: 'election',
  failover: 'failover',
  silence: 'longest gap',
  viewer: 'screen',
  start: 'start',
} as const;

/** The run as Markdown; `picture`: path of its picture, relative to the page. */
export function markdown(summary: Summary, picture: string): string {
  const { machine, totals, rows, load, standby } = summary;
  const percent = (share: number | undefined) => (share === undefined ? '–' : `${(share * 100).toFixed(1)} %`);
  const mib = (bytes: number | undefined) => (bytes === undefined ? '–' : `${Math.round(bytes / 1024 ** 2)} MiB`);
  const failures = rows.flatMap(({ id, failures: codes }) =>
    Object.entries(codes).map(([code, count]) => `${id}: ${count} × ${code}`),
  );
  const goals = rows.flatMap(({ id, title, required, goals: wanted }) => [
    ...required.map(({ figure, ms, met }) => [
      id,
      title,
      `${FIGURES[figure]} < ${ms / 1_000} s, every round`,
      'required',
      met ? 'met' : '**missed**',
    ]),
    ...wanted.map(({ figure, ms, p99, met }) => [
      id,
      title,
      `${FIGURES[figure]} < ${ms / 1_000} s (p99 ${seconds(p99)})`,
      'goal',
      met ? 'met' : '**missed**',
    ]),
  ]);
  const { screens } = summary;
  const compared = rows.some(({ id }) => CLIENT_GO[id] !== undefined);
  const place = machine.where ?? `a kind cluster of three nodes (Kubernetes ${machine.kubernetes})`;
  return [
    `\`${summary.command}\`, ${summary.at.slice(0, 10)}, commit ${summary.commit}: ${totals.rounds} rounds, **${totals.accepted} commands accepted, ${totals.lost} lost, ${totals.doubled} doubled**; rounds in which anything was wrong: ${totals.wrong}.
${machine.cores} cores (${machine.cpu}), ${machine.memoryGiB} GiB for everything: ${place}, the load, and whatever else the machine did (load average ${load === undefined ? 'unknown' : load.toFixed(0)}, median).
A standby takes ${percent(standby.cpu)} of a core and ${mib(standby.memory)} (medians). The screen was back within a second of the failover (our goal) in ${screens.met} of ${screens.of} rounds.`,
    `![Failover times per scenario](${picture})`,
    `Seconds: median, p95, p99 of the rounds (with 20, p99 is the worst).`,
    table([
      [
        '',
        'what happens',
        'rounds',
        'wrong',
        'lost',
        'doubled',
        'election',
        'failover',
        'longest gap',
        'gap in the screen',
        ...(compared ? ['client-go, election alone'] : []),
      ],
      ...rows.map((row) => {
        const theirs = CLIENT_GO[row.id];
        return [
          row.id,
          row.title,
          String(row.rounds),
          String(row.wrong),
          String(row.lost),
          String(row.doubled),
          row.figures.start.values.length > 0 ? '–' : shares(row.figures.election),
          shares(row.figures.start.values.length > 0 ? row.figures.start : row.figures.failover),
          row.figures.start.values.length > 0 ? '–' : shares(row.figures.silence),
          row.figures.start.values.length > 0 ? '–' : shares(row.figures.viewer),
          ...(!compared
            ? []
            : [theirs === undefined ? '–' : `${seconds(theirs.median)}, ${seconds(theirs.p95)} (${theirs.what})`]),
        ];
      }),
    ]),
    failures.length === 0
      ? 'No accepted command failed.'
      : `Accepted commands that ended as failed, with their errors: ${failures.join('; ')}.`,
    ...(goals.length === 0 ? [] : [table([['', '', '', '', ''], ...goals])]),
  ].join('\n\n');
}
