import { CLIENT_GO } from './client-go.ts';
import type { Measure } from '../ha/scenario.ts';
import { type Row, shown, type Summary } from './summary.ts';

const [LEFT, WIDTH, ROW, TOP] = [340, 980, 30, 62];
const RIGHT = 24;
/** Milliseconds at the ends of the scale, which is logarithmic. */
const [LEAST, MOST] = [50, 60_000];
const TICKS = [100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 60_000];
const COLOURS = {
  ours: '#2563eb',
  goal: '#15803d',
  required: '#b91c1c',
  theirs: '#d97706',
  grid: '#e5e7eb',
  text: '#1f2937',
};

const x = (ms: number): number => {
  const share = Math.log(Math.min(MOST, Math.max(LEAST, ms)) / LEAST) / Math.log(MOST / LEAST);
  return Math.round((LEFT + share * (WIDTH - LEFT - RIGHT)) * 10) / 10;
};
const escape = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/**
 * Failover times as SVG: one row per scenario, one dot per round (failover; for a start the time to the first registration, without another leader the longest gap), a bar at the
 * median; beside it the required bound, our goal, and the time of client-go's election alone.
 */
export function picture({ rows, at }: Summary): string {
  const height = TOP + rows.length * ROW + 34;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="13" fill="${COLOURS.text}">`,
    `<title>Failover times per scenario, ${at.slice(0, 10)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="16" y="24" font-size="15" font-weight="600">From the last good command to the first good one</text>`,
    ...legend(rows.some(({ id }) => CLIENT_GO[id] !== undefined)),
    ...TICKS.flatMap((ms) => [
      `<line x1="${x(ms)}" x2="${x(ms)}" y1="${TOP - 6}" y2="${height - 28}" stroke="${COLOURS.grid}"/>`,
      `<text x="${x(ms)}" y="${height - 10}" text-anchor="middle" font-size="11">${ms / 1_000} s</text>`,
    ]),
    ...rows.flatMap((row, index) => scenario(row, TOP + index * ROW)),
    '</svg>',
  ];
  return `${parts.join('\n')}\n`;
}

function legend(compared: boolean): string[] {
  const entries: [string, string][] = [
    ['a round, bar: median', COLOURS.ours],
    ['our goal', COLOURS.goal],
    ['required', COLOURS.required],
    ...(compared ? [['client-go 15/10/2, median to p95', COLOURS.theirs] as [string, string]] : []),
  ];
  let at = 16;
  return entries.flatMap(([text, colour]) => {
    const from = at;
    at += 30 + text.length * 6.6;
    return [
      `<circle cx="${from + 5}" cy="42" r="4" fill="${colour}"/>`,
      `<text x="${from + 14}" y="46" font-size="12">${escape(text)}</text>`,
    ];
  });
}

function scenario(row: Row, top: number): string[] {
  const { id, title, required, goals } = row;
  const { values, median } = shown(row);
  const middle = top + ROW / 2;
  const bound = (ms: number, colour: string) =>
    `<line x1="${x(ms)}" x2="${x(ms)}" y1="${top + 3}" y2="${top + ROW - 3}" stroke="${colour}" stroke-width="2.5"/>`;
  const theirs = CLIENT_GO[id];
  const about = (figure: Measure) => figure === 'start' || figure === 'failover' || figure === 'silence';
  return [
    `<text x="16" y="${middle + 4}"><tspan font-weight="600">${id}</tspan> ${escape(title)}</text>`,
    ...(theirs === undefined
      ? []
      : [
          `<rect x="${x(theirs.median)}" y="${middle - 6}" width="${Math.max(3, x(theirs.p95) - x(theirs.median))}" height="12" fill="${COLOURS.theirs}" opacity="0.55"/>`,
        ]),
    ...required.filter(({ figure }) => about(figure)).map(({ ms }) => bound(ms, COLOURS.required)),
    ...goals.filter(({ figure }) => about(figure)).map(({ ms }) => bound(ms, COLOURS.goal)),
    // spread a little, so that equal ones show
    ...values.map(
      (ms, index) =>
        `<circle cx="${x(ms)}" cy="${middle + ((index % 5) - 2) * 2.4}" r="3" fill="${COLOURS.ours}" opacity="0.6"/>`,
    ),
    ...(median === undefined
      ? []
      : [
          `<line x1="${x(median)}" x2="${x(median)}" y1="${top + 5}" y2="${top + ROW - 5}" stroke="${COLOURS.ours}" stroke-width="3"/>`,
        ]),
  ];
}
