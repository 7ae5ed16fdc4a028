import { ELECTION_REASONS, refusalWords } from '../words/election.ts';
import { durationText } from '../words/quantities.ts';
import type { Gap, TermRefusal, Reign } from './history.ts';
import { gapWords } from './layout.ts';
import { clockTime } from './scale.ts';

/** Minutes to add to UTC for the viewer's own zone. */
export const zoneOf = (at: number) => -new Date(at).getTimezoneOffset();
const time = (at: number) => clockTime(at, zoneOf(at));

/** Lines of a tooltip, the first is its title. */
export function reignTip(reign: Reign, now: number): string[] {
  const length = durationText((reign.to ?? now) - reign.from);
  const lines = [
    `${reign.replica} · term ${reign.term}`,
    reign.to === null
      ? `Leads since ${time(reign.from)} (${length})`
      : `Led for ${length}, ${time(reign.from)} to ${time(reign.to)}`,
  ];
  if (reign.election) {
    lines.push(
      `Elected in ${durationText(reign.election.election_ms)}: ${ELECTION_REASONS[reign.election.reason]}${reign.election.previous_holder ? ` (${reign.election.previous_holder})` : ''}`,
    );
  }
  if (reign.endedBy) lines.push(`Ended: ${reign.endedBy}`);
  return lines;
}

/** Lines of a tooltip, the first is its title. */
export function gapTip(gap: Gap, now: number): string[] {
  const lines = [
    gapWords(gap, now),
    `${gap.before ?? 'Nobody known'} → ${gap.after ?? 'nobody yet'}, at ${time(gap.from)}`,
  ];
  if (gap.reason) lines.push(gap.reason);
  return lines;
}

/** Lines of a tooltip, the first is its title. */
export function refusalTip(refusals: readonly TermRefusal[]): string[] {
  const last = refusals.at(-1)!;
  const times = refusals.length > 1 ? `${refusals.length} times, last at ${time(last.at)}` : `At ${time(last.at)}`;
  const { why, remedy } = refusalWords(last);
  return [`${last.replica} was refused`, times, why, `What to do: ${remedy}`];
}
