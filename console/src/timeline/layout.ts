import { durationText } from '../words/quantities.ts';
import type { Gap, History, TermRefusal, Reign } from './history.ts';
import { type Window, xOf } from './scale.ts';

/** Heights in pixels of the picture's parts. */
export const METRICS = { axis: 24, callout: 22, laneLabel: 18, bar: 26, laneGap: 12, top: 6 } as const;
/** Nothing is drawn narrower than this: a gap of 0.3 s is visible even in an hour. */
const MIN_GAP_WIDTH = 3;
const MIN_BAR_WIDTH = 2;
/** Refusals closer than this share a mark. */
const MARK_SPACING = 18;
/** Of bold text of 12 px in a wide font, rather more than less: an estimate is enough to keep labels apart. */
const CHARACTER_WIDTH = 7.6;
const MAX_CALLOUT_ROWS = 3;

interface LaneBox {
  replica: string;
  /** Top of the bar; its label stands above. */
  y: number;
  presences: { x: number; width: number; open: boolean }[];
  bars: { x: number; width: number; label: string; reign: Reign; open: boolean }[];
  marks: { x: number; refusals: TermRefusal[] }[];
}

interface GapBox {
  gap: Gap;
  x: number;
  width: number;
  /** The label; null without room for it: the tooltip and the list below have it. */
  callout: { text: string; /** Of its middle. */ x: number; y: number } | null;
}

export interface TimelineLayout {
  width: number;
  height: number;
  /** Top of the lanes; callouts are above. */
  lanesTop: number;
  axisY: number;
  lanes: LaneBox[];
  gaps: GapBox[];
}

/** Positions of all parts of the picture. `now` is the end of lasting periods. */
export function layoutOf(history: History, window: Window, width: number, now: number): TimelineLayout {
  const end = (to: number | null) => to ?? now;
  const seen = (from: number, to: number) => to >= window.from && from <= window.to;
  const box = (from: number, to: number, least: number) => {
    const left = Math.max(-4, xOf(from, window, width));
    const right = Math.min(width + 4, xOf(to, window, width));
    return { x: left, width: Math.max(least, right - left) };
  };

  const gaps = placeCallouts(
    history.gaps
      .filter((gap) => seen(gap.from, end(gap.to)))
      .map((gap) => ({ gap, ...box(gap.from, end(gap.to), MIN_GAP_WIDTH), callout: null })),
    width,
    now,
  );
  const rows =
    1 + Math.max(-1, ...gaps.map(({ callout }) => (callout ? (callout.y - METRICS.top) / METRICS.callout : -1)));
  const lanesTop = METRICS.top + Math.max(1, rows) * METRICS.callout;
  const laneHeight = METRICS.laneLabel + METRICS.bar + METRICS.laneGap;

  const lanes = history.lanes.map((replica, index): LaneBox => ({
    replica,
    y: lanesTop + index * laneHeight + METRICS.laneLabel,
    presences: history.presences
      .filter((span) => span.replica === replica && seen(span.from, end(span.to)))
      .map((span) => ({ ...box(span.from, end(span.to), MIN_BAR_WIDTH), open: span.to === null })),
    bars: history.reigns
      .filter((reign) => reign.replica === replica && seen(reign.from, end(reign.to)))
      .map((reign) => {
        const place = box(reign.from, end(reign.to), MIN_BAR_WIDTH);
        return { ...place, label: barLabel(reign.term, place.width), reign, open: reign.to === null };
      }),
    marks: marksOf(
      history.refusals.filter((refusal) => refusal.replica === replica && seen(refusal.at, refusal.at)),
      (refusal) => xOf(refusal.at, window, width),
    ),
  }));
  const axisY = lanesTop + lanes.length * laneHeight;
  return { width, height: axisY + METRICS.axis, lanesTop, axisY, lanes, gaps };
}

/** “0.8 s without a leader”: the label of a gap. */
export function gapWords(gap: Gap, now: number): string {
  const length = durationText((gap.to ?? now) - gap.from);
  if (gap.to === null) return `${length} without a leader, so far`;
  return gap.before === gap.after ? `${length} without a connection` : `${length} without a leader`;
}

function barLabel(term: number, width: number): string {
  for (const text of [`term ${term}`, `${term}`]) if (text.length * CHARACTER_WIDTH + 10 <= width) return text;
  return '';
}

/** Places the gaps' labels, in up to three rows; the newest first, because users look for those. */
function placeCallouts(gaps: GapBox[], width: number, now: number): GapBox[] {
  const rows: { from: number; to: number }[][] = Array.from({ length: MAX_CALLOUT_ROWS }, () => []);
  for (const box of [...gaps].reverse()) {
    const text = gapWords(box.gap, now);
    const size = text.length * CHARACTER_WIDTH;
    // Over the gap's middle, but within the picture.
    const from = Math.max(0, Math.min(width - size, box.x + box.width / 2 - size / 2));
    const row = rows.findIndex((taken) => taken.every((other) => from > other.to + 8 || from + size < other.from - 8));
    if (row < 0 || size > width) continue;
    rows[row]!.push({ from, to: from + size });
    box.callout = { text, x: from + size / 2, y: METRICS.top + row * METRICS.callout };
  }
  return gaps;
}

function marksOf(refusals: readonly TermRefusal[], x: (refusal: TermRefusal) => number): LaneBox['marks'] {
  const marks: LaneBox['marks'] = [];
  for (const refusal of refusals) {
    const last = marks.at(-1);
    if (last && x(refusal) - last.x < MARK_SPACING) last.refusals.push(refusal);
    else marks.push({ x: x(refusal), refusals: [refusal] });
  }
  return marks;
}
