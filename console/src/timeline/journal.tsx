import { Icon } from '../parts/icon.tsx';
import { ELECTION_REASONS, refusalWords } from '../words/election.ts';
import { ago, durationText } from '../words/quantities.ts';
import type { Gap, History, TermRefusal, Reign } from './history.ts';
import { gapWords } from './layout.ts';

interface JournalProps {
  history: History;
  now: number;
  /** Shows a period in the picture. */
  onShow: (from: number, to: number | null) => void;
}

/** `first`: no earlier leader is known. */
type Row =
  | { at: number; kind: 'reign'; reign: Reign; gap: Gap | undefined; first: boolean }
  | { at: number; kind: 'refusals'; refusals: TermRefusal[] }
  | { at: number; kind: 'away'; gap: Gap };

const MAX_ROWS = 12;

/** The same in words, newest first. */
export function Journal({ history, now, onShow }: JournalProps) {
  const rows = rowsOf(history).slice(0, MAX_ROWS);
  if (rows.length === 0) return null;
  return (
    <ol class="journal" data-testid="timeline-journal">
      {rows.map((row) => (
        <li key={`${row.kind} ${row.at}`} class={row.kind}>
          <time dateTime={new Date(row.at).toISOString()} title={new Date(row.at).toLocaleString()}>
            {ago(row.at, now)}
          </time>
          {row.kind === 'reign' && <ReignRow {...row} now={now} onShow={onShow} />}
          {row.kind === 'refusals' && <RefusalRow refusals={row.refusals} />}
          {row.kind === 'away' && (
            <div>
              <p>
                <b>Nobody leads.</b> {gapWords(row.gap, now)}
                {row.gap.reason && ` — ${row.gap.reason}`}
              </p>
            </div>
          )}
        </li>
      ))}
    </ol>
  );
}

function ReignRow({
  reign,
  gap,
  first,
  now,
  onShow,
}: {
  reign: Reign;
  gap: Gap | undefined;
  first: boolean;
  now: number;
  onShow: JournalProps['onShow'];
}) {
  const same = gap !== undefined && gap.before === gap.after;
  return (
    <div>
      <p>
        <b>{reign.replica}</b> {same ? 'connected again' : 'became leader'}, term {reign.term}
        {reign.election &&
          !same &&
          `: ${ELECTION_REASONS[reign.election.reason]}; elected in ${durationText(reign.election.election_ms)}`}
      </p>
      {!gap && !first && <p class="muted">It took over before the hub saw a gap.</p>}
      {gap && (
        <button type="button" class="gap-link" onClick={() => onShow(gap.from, gap.to)}>
          <Icon name="alert" />
          {gapWords(gap, now)}
          {gap.reason && ` — ${gap.reason}`}
        </button>
      )}
    </div>
  );
}

function RefusalRow({ refusals }: { refusals: TermRefusal[] }) {
  const last = refusals[0]!;
  const { why, remedy } = refusalWords(last);
  return (
    <div>
      <p>
        <b>{last.replica}</b> was refused{refusals.length > 1 && ` ${refusals.length} times`}: {why}
      </p>
      <p class="muted">{remedy}</p>
    </div>
  );
}

/** Newest first; consecutive refusals of one replica for the same reason are one row. */
function rowsOf({ reigns, gaps, refusals }: History): Row[] {
  const rows: Row[] = [
    ...reigns.map((reign, index): Row => ({
      first: index === 0,
      at: reign.from,
      kind: 'reign',
      reign,
      gap: gaps.find((gap) => gap.to === reign.from),
    })),
    ...gaps.filter((gap) => gap.to === null).map((gap): Row => ({ at: gap.from, kind: 'away', gap })),
    ...refusals.map((refusal): Row => ({ at: refusal.at, kind: 'refusals', refusals: [refusal] })),
  ].sort((a, b) => b.at - a.at);
  const merged: Row[] = [];
  for (const row of rows) {
    const last = merged.findLast((each) => each.kind !== 'refusals' || sameRefusal(each, row));
    if (last?.kind === 'refusals' && row.kind === 'refusals' && sameRefusal(last, row))
      last.refusals.push(...row.refusals);
    else merged.push(row);
  }
  return merged;
}

function sameRefusal(a: Row, b: Row): boolean {
  return (
    a.kind === 'refusals' &&
    b.kind === 'refusals' &&
    a.refusals[0]!.replica === b.refusals[0]!.replica &&
    a.refusals[0]!.code === b.refusals[0]!.code
  );
}
