import type { Results } from '../ha/results.ts';
import type { RoundResult } from '../ha/round.ts';
import type { Measure } from '../ha/scenario.ts';

/** The smallest value that at least this share (0 to 1) of the values do not exceed; undefined without values. */
function quantile(values: readonly number[], share: number): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

/** Milliseconds of one figure over the rounds. */
export interface Distribution {
  values: number[];
  median: number | undefined;
  p95: number | undefined;
  p99: number | undefined;
}

export interface Row {
  id: string;
  title: string;
  rounds: number;
  /** Rounds with any fault. */
  wrong: number;
  lost: number;
  doubled: number;
  /** Commands: accepted, and of them those that failed, by their error. */
  accepted: number;
  failures: Record<string, number>;
  figures: Record<Measure, Distribution>;
  required: { figure: Measure; ms: number; met: boolean }[];
  /** p99 against our goals. */
  goals: { figure: Measure; ms: number; p99: number | undefined; met: boolean }[];
}

export interface Summary {
  at: string;
  command: string;
  commit: string;
  machine: Results['machine'];
  /** Median of the machine's load average after each round. */
  load: number | undefined;
  /** Median over the rounds: share of a core and bytes. */
  standby: { cpu: number | undefined; memory: number | undefined };
  rows: Row[];
  /** Rounds with a failover in which the screen's gap was at most a second longer, our goal; of how many. */
  screens: { met: number; of: number };
  totals: { rounds: number; accepted: number; lost: number; doubled: number; wrong: number };
}

const SCREEN_MS = 1_000;
const MEASURES: readonly Measure[] = ['election', 'failover', 'silence', 'viewer', 'start'];

/** Combines runs on the same machine; for a scenario played by several, the last run's rounds count. */
export function together(runs: readonly Results[]): Results {
  const last = runs.at(-1)!;
  const scenarios = new Map(runs.flatMap((run) => run.scenarios.map((scenario) => [scenario.id, scenario])));
  return {
    ...last,
    command: runs.map(({ command }) => command).join('`, `'),
    commit: [...new Set(runs.map(({ commit }) => commit))].join(', '),
    scenarios: [...scenarios.values()].sort((a, b) => (a.id < b.id ? -1 : 1)),
    results: [...scenarios.keys()].flatMap((id) => {
      const run = runs.findLast(({ results }) => results.some(({ scenario }) => scenario === id));
      return run?.results.filter(({ scenario }) => scenario === id) ?? [];
    }),
  };
}

export function summarize({ at, command, commit, machine, scenarios, results }: Results): Summary {
  const rows = scenarios.map(({ id, title, required, goals }): Row => {
    const rounds = results.filter(({ scenario }) => scenario === id);
    const figures = Object.fromEntries(
      MEASURES.map((measure) => [measure, distribution(rounds.map((round) => round.figures[measure]))]),
    ) as Row['figures'];
    const sum = (of: (round: RoundResult) => number) => rounds.reduce((total, round) => total + of(round), 0);
    const failures: Record<string, number> = {};
    for (const round of rounds)
      for (const [code, count] of Object.entries(round.figures.failures))
        failures[code] = (failures[code] ?? 0) + count;
    return {
      id,
      title,
      rounds: rounds.length,
      wrong: rounds.filter(({ wrong }) => wrong.length > 0).length,
      lost: sum(({ lost }) => lost),
      doubled: sum(({ doubled }) => doubled),
      accepted: sum((round) => round.figures.accepted),
      failures,
      figures,
      required: required.map(({ figure, ms }) => {
        const { values } = figures[figure];
        return { figure, ms, met: values.length === rounds.length && values.every((value) => value < ms) };
      }),
      goals: goals.map(({ figure, ms }) => {
        const { p99 } = figures[figure];
        return { figure, ms, p99, met: p99 !== undefined && p99 < ms };
      }),
    };
  });
  const total = (of: (row: Row) => number) => rows.reduce((sum, row) => sum + of(row), 0);
  const pairs = results.flatMap(({ scenario, figures: { failover, viewer } }) =>
    scenario === 'H1' || failover === undefined || viewer === undefined ? [] : [[failover, viewer] as const],
  );
  const standbys = results.flatMap(({ standby }) => (standby === undefined ? [] : [standby]));
  return {
    at,
    command,
    commit,
    machine,
    load: quantile(
      results.map(({ load }) => load),
      0.5,
    ),
    standby: {
      cpu: quantile(
        standbys.map(({ cpu }) => cpu),
        0.5,
      ),
      memory: quantile(
        standbys.map(({ memory }) => memory),
        0.5,
      ),
    },
    rows: rows.filter(({ rounds }) => rounds > 0),
    screens: { met: pairs.filter(([failover, viewer]) => viewer <= failover + SCREEN_MS).length, of: pairs.length },
    totals: {
      rounds: total(({ rounds }) => rounds),
      accepted: total(({ accepted }) => accepted),
      lost: total(({ lost }) => lost),
      doubled: total(({ doubled }) => doubled),
      wrong: total(({ wrong }) => wrong),
    },
  };
}

function distribution(values: readonly (number | undefined)[]): Distribution {
  const there = values.filter((value) => value !== undefined);
  return { values: there, median: quantile(there, 0.5), p95: quantile(there, 0.95), p99: quantile(there, 0.99) };
}

/** The best measure of a scenario's outage: for a start its duration, without another leader the longest gap. */
export function shown({ figures }: Row): Distribution {
  return [figures.start, figures.failover].find(({ values }) => values.length > 0) ?? figures.silence;
}
