/** A stretch of time on a stretch of pixels. Milliseconds since 1970. */
export interface Window {
  from: number;
  to: number;
}

/** Pixels of a moment; may lie outside of [0, width]. */
export function xOf(at: number, window: Window, width: number): number {
  return ((at - window.from) / (window.to - window.from)) * width;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const STEPS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500,
  SECOND, 2 * SECOND, 5 * SECOND, 10 * SECOND, 15 * SECOND, 30 * SECOND,
  MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE,
  HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, 24 * HOUR, 48 * HOUR, 168 * HOUR, 720 * HOUR,
]; // prettier-ignore

export interface Tick {
  at: number;
  label: string;
}

/** Round moments at most `count` apart evenly, with labels no finer than the step. `offset`: minutes to add to UTC for the user's zone. */
export function ticksOf({ from, to }: Window, count: number, offset: number): Tick[] {
  const span = to - from;
  const step = STEPS.find((each) => span / each <= count) ?? STEPS.at(-1)!;
  const shift = offset * MINUTE;
  const ticks: Tick[] = [];
  for (let at = Math.ceil((from + shift) / step) * step; at <= to + shift; at += step) {
    ticks.push({ at: at - shift, label: labelOf(at, step) });
  }
  return ticks;
}

/** “18:43:47.6” in the zone of `offset`: a moment as the axis writes it. */
export function clockTime(at: number, offset: number): string {
  return labelOf(at + offset * MINUTE, 100);
}

/** `local` is milliseconds as if the user's zone were UTC. */
function labelOf(local: number, step: number): string {
  const text = new Date(local).toISOString();
  if (step >= 24 * HOUR) return text.slice(5, 10);
  // The label of midnight is the date.
  if (step >= MINUTE) return local % (24 * HOUR) === 0 ? text.slice(5, 10) : text.slice(11, 16);
  if (step >= SECOND) return text.slice(11, 19);
  return text.slice(11, step >= 100 ? 21 : 23);
}
