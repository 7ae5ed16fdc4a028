import { describe, expect, it } from 'vitest';
import type { Figures } from '../../ci/ha/figures.ts';
import type { Results } from '../../ci/ha/results.ts';
import type { RoundResult } from '../../ci/ha/round.ts';
import { markdown } from '../../ci/report/markdown.ts';
import { picture } from '../../ci/report/picture.ts';
import { summarize, together } from '../../ci/report/summary.ts';

const round = (
  scenario: string,
  number: number,
  figures: Partial<Figures>,
  more: Partial<RoundResult> = {},
): RoundResult => ({
  scenario,
  round: number,
  wrong: [],
  lost: 0,
  doubled: 0,
  figures: { accepted: 100, failures: {}, ...figures } as Figures,
  standby: { cpu: 0.01, memory: 64 * 1024 ** 2 },
  load: 4,
  folder: '',
  took: 1,
  ...more,
});

const results: Results = {
  at: '2026-01-31T12:00:00.000Z',
  command: 'npm run bench:ha -- --rounds 3',
  commit: 'abc1234',
  machine: { cpu: 'a CPU', cores: 2, memoryGiB: 24, node: 'v24', kubernetes: 'v1.34.4' },
  scenarios: [
    { id: 'H1', title: 'start', required: [], goals: [{ figure: 'start', ms: 1_000 }] },
    {
      id: 'H2a',
      title: 'pod <deleted>',
      required: [{ figure: 'silence', ms: 20_000 }],
      goals: [{ figure: 'failover', ms: 1_000 }],
    },
    { id: 'H3a', title: 'Lease deleted', required: [{ figure: 'silence', ms: 5_000 }], goals: [] },
    { id: 'H4a', title: 'not played', required: [], goals: [] },
  ],
  results: [
    round('H1', 1, { start: 200 }),
    ...[300, 500, 1_400].map((failover, index) =>
      round('H2a', index + 1, { failover, silence: failover + 100, election: failover / 2, viewer: 700 }),
    ),
    round(
      'H3a',
      1,
      { silence: 6_000, election: 90, failures: { driver_failed: 2 } },
      { wrong: ['x', 'y'], lost: 1, doubled: 1 },
    ),
  ],
};

describe('the report of the HA scenarios', () => {
  const summary = summarize(results);

  it('has distributions over the rounds, and what they are held against', () => {
    const [, deleted] = summary.rows;
    expect(deleted!.figures.failover).toEqual({ values: [300, 500, 1_400], median: 500, p95: 1_400, p99: 1_400 });
    expect(deleted!.required).toEqual([{ figure: 'silence', ms: 20_000, met: true }]);
    expect(deleted!.goals).toEqual([{ figure: 'failover', ms: 1_000, p99: 1_400, met: false }]);
    expect(summary.rows.map(({ id }) => id)).toEqual(['H1', 'H2a', 'H3a']);
    expect(summary.totals).toEqual({ rounds: 5, accepted: 500, lost: 1, doubled: 1, wrong: 1 });
    expect(summary.standby).toEqual({ cpu: 0.01, memory: 64 * 1024 ** 2 });
  });

  it('a round in which a required figure is missing does not meet it', () => {
    const without = summarize({ ...results, results: [round('H3a', 1, { silence: undefined })] });
    expect(without.rows[0]!.required[0]!.met).toBe(false);
  });

  it('takes several runs as one, and what was played again from the last', () => {
    const again = [round('H4a', 1, { failover: 900 }), round('H2a', 1, { failover: 100 })];
    const more = { ...results, command: 'another', commit: 'def5678', results: again };
    const both = summarize(together([results, more]));
    expect([both.command, both.commit]).toEqual([`${results.command}\`, \`another`, 'abc1234, def5678']);
    expect(both.rows.map(({ id, rounds }) => `${id} ${rounds}`)).toEqual(['H1 1', 'H2a 1', 'H3a 1', 'H4a 1']);
  });

  it('says as Markdown what was lost, missed and failed, and which command measured it', () => {
    const text = markdown(summary, 'p.svg');
    for (const part of [
      '`npm run bench:ha -- --rounds 3`, 2026-01-31, commit abc1234: 5 rounds, **500 commands accepted, 1 lost, 1 doubled**',
      '![Failover times per scenario](p.svg)',
      '| H2a | pod <deleted> | 3 | 0 | 0 | 0 | 0.25, 0.70, 0.70 | 0.50, 1.4, 1.4 | 0.60, 1.5, 1.5 | 0.70, 0.70, 0.70 | 1.0, 2.2 (SIGTERM) |',
      '| H1 | start | 1 | 0 | 0 | 0 | – | 0.20 | – | – | – |',
      '| H3a | Lease deleted | longest gap < 5 s, every round | required | **missed** |',
      '| H1 | start | start < 1 s (p99 0.20) | goal | met |',
      'H3a: 2 × driver_failed',
      'A standby takes 1.0 % of a core and 64 MiB',
      'within a second of the failover (our goal) in 3 of 3 rounds',
    ])
      expect(text).toContain(part);
  });

  it('of an engine compares with nothing, and says what it ran on', () => {
    const of = { ...results.machine, where: 'Docker 20.10.24' };
    const rounds = [round('H2a file', 1, { failover: 300 })];
    const scenarios = [{ id: 'H2a file', title: 'leader stopped', required: [], goals: [] }];
    const docker = summarize({ ...results, machine: of, scenarios, results: rounds });
    const text = markdown(docker, 'p.svg');
    expect(text).toContain('24 GiB for everything: Docker 20.10.24, the load');
    expect(text).toContain('| H2a file | leader stopped | 1 | 0 | 0 | 0 | – | 0.30 | – | – |\n');
    expect(text + picture(docker)).not.toContain('client-go');
  });

  it('is a picture with a dot a round, and the bounds', () => {
    const svg = picture(summary);
    expect(svg).toContain('pod &lt;deleted>');
    expect(svg.match(/opacity="0.6"/g)).toHaveLength(5);
    expect(svg.match(/stroke="#b91c1c"/g)).toHaveLength(2);
    expect(svg).not.toMatch(/NaN|undefined/);
  });
});
