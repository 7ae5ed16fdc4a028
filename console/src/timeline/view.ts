import type { Window } from './scale.ts';

/** What the picture shows: the last `span` milliseconds, moving with time, or a fixed part of the past. */
export type TimelineView = { kind: 'live'; span: number } | { kind: 'still'; window: Window };

export const SPANS = [
  { label: '1 min', ms: 60_000 },
  { label: '10 min', ms: 600_000 },
  { label: '1 h', ms: 3_600_000 },
  { label: '24 h', ms: 86_400_000 },
] as const;

const SHORTEST_MS = 50;
const LONGEST_MS = 90 * 86_400_000;

/** The shortest of {@link SPANS} that has the whole history, or the second shortest at most: recent things matter. */
export function firstView(historyFrom: number | null, now: number): TimelineView {
  const age = historyFrom === null ? 0 : now - historyFrom;
  return { kind: 'live', span: age < SPANS[0].ms * 0.9 ? SPANS[0].ms : SPANS[1].ms };
}

/** The present is not at the edge, so that new events are visible. */
export function windowOf(view: TimelineView, now: number): Window {
  return view.kind === 'still' ? view.window : { from: now - view.span, to: now + view.span * 0.02 };
}

/** Shows a period with margins of the same length on both sides. */
export function zoomTo(from: number, to: number): TimelineView {
  const length = Math.max(SHORTEST_MS, to - from);
  return { kind: 'still', window: { from: from - length * 1.5, to: to + length * 1.5 } };
}

/** `factor` below 1 shows less time. A live view stays live. */
export function zoom(view: TimelineView, factor: number, now: number): TimelineView {
  if (view.kind === 'live') return { kind: 'live', span: clamp(view.span * factor) };
  const { from, to } = windowOf(view, now);
  const half = clamp((to - from) * factor) / 2;
  const middle = (from + to) / 2;
  return { kind: 'still', window: { from: middle - half, to: middle + half } };
}

/** Moves by a share of the visible period; negative is towards the past. */
export function pan(view: TimelineView, share: number, now: number): TimelineView {
  const { from, to } = windowOf(view, now);
  const shift = (to - from) * share;
  if (to + shift >= now && view.kind === 'live') return view;
  return to + shift >= now + (to - from) * 0.5
    ? { kind: 'live', span: clamp(to - from) }
    : { kind: 'still', window: { from: from + shift, to: to + shift } };
}

function clamp(span: number): number {
  return Math.min(LONGEST_MS, Math.max(SHORTEST_MS * 4, span));
}
