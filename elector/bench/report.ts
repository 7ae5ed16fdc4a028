import type { Row } from './rounds.ts';

export interface Results {
  at: string;
  machine: { cpu: string; cores: number; node: string };
  versions: string;
  rounds: number;
  /** The machine's load average (1 minute) after each round, everything else on it included. */
  load: number[];
  /** Rounds that could not be finished, and why. */
  failed: string[];
  contenders: { name: string; requestsPerMinute: number | undefined; seconds: Partial<Record<Row, number[]>> }[];
}

const ROWS: readonly Row[] = [
  'start → leader',
  'SIGTERM → next leader',
  'SIGKILL → next leader',
  'SIGKILL, kubelet’s word → next leader',
  'Lease deleted → next leader',
  '… while two believe they lead',
  'Lease deleted, watches dead → next leader',
  'leader thawed: two believe it',
];

/** For ours with its defaults: quantile and bound in seconds. */
const GOALS: readonly [Row, number, number][] = [
  ['start → leader', 0.95, 0.3],
  ['SIGTERM → next leader', 0.99, 0.2],
  ['SIGKILL → next leader', 0.99, 4.5],
  ['SIGKILL, kubelet’s word → next leader', 0.99, 2.5],
  ['Lease deleted → next leader', 0.99, 0.2],
  ['… while two believe they lead', 1, 0.2],
  ['Lease deleted, watches dead → next leader', 0.99, 2],
  ['leader thawed: two believe it', 1, 0.05],
];

/** The smallest value that at least that share is not above. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

const seconds = (value: number) => (value < 1 ? value.toFixed(3) : value.toFixed(2));

function table(rows: readonly (readonly string[])[]): string {
  const [head, ...body] = rows;
  return [head!, head!.map((_, i) => (i === 0 ? '---' : '--:')), ...body]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

/** The results as Markdown. */
export function report(results: Results): string {
  const { contenders } = results;
  const rows = ROWS.map((row) => [
    row,
    ...contenders.map(({ seconds: measured }) => {
      const values = measured[row];
      if (!values || values.length === 0) return '–';
      return [0.5, 0.95, 0.99].map((share) => seconds(quantile(values, share))).join(', ');
    }),
  ]);
  const requests = [
    'API requests of three replicas, per minute',
    ...contenders.map(({ requestsPerMinute: n }) => (n === undefined ? '–' : n.toFixed(0))),
  ];
  const ours = contenders.at(-1)!;
  const reference = contenders[0]!.requestsPerMinute;
  const goals = GOALS.map(([row, share, bound]) => {
    const values = ours.seconds[row] ?? [];
    const value = quantile(values, share);
    const name = share === 1 ? 'max' : `p${share * 100}`;
    return [row, `${name} ${seconds(value)}`, `< ${bound}`, value < bound ? 'met' : '**missed**'];
  });
  if (ours.requestsPerMinute !== undefined && reference !== undefined) {
    const met = ours.requestsPerMinute <= reference;
    goals.push([
      requests[0]!,
      ours.requestsPerMinute.toFixed(0),
      `≤ ${reference.toFixed(0)}`,
      met ? 'met' : '**missed**',
    ]);
  }
  return [
    `${results.at.slice(0, 10)}, ${results.machine.cores} cores (${results.machine.cpu}), Node ${results.machine.node}, ${results.versions}; ${results.rounds} rounds each, in one run, at a load average of ${quantile(results.load, 0.5).toFixed(0)} (median, all else on the machine included). ${results.failed.length === 0 ? '' : `${results.failed.length} rounds could not be finished. `}Seconds: median, p95, p99.`,
    table([['', ...contenders.map(({ name }) => name)], ...rows, requests]),
    `Goals, for ${ours.name}:`,
    table([['', 'measured', 'goal', ''], ...goals]),
  ].join('\n\n');
}
