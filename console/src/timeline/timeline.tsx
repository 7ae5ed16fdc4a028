import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Agent, Event } from '@streamspace/protocol';
import { Button } from '../parts/button.tsx';
import { historyOf } from './history.ts';
import { Journal } from './journal.tsx';
import { TimelinePicture } from './picture.tsx';
import { firstView, pan, SPANS, type TimelineView, windowOf, zoom, zoomTo } from './view.ts';

/** The leaders of this agent over time, as a picture and as a list. */
export function Timeline({ agent, events }: { agent: Agent | null; events: readonly Event[] }) {
  const history = historyOf(events, agent);
  const chosen = useSignal<TimelineView | null>(null);
  const now = useMoment();
  const view = chosen.value ?? firstView(history.from, now);
  const change = (next: TimelineView) => {
    chosen.value = next;
  };
  const show = (from: number, to: number | null) => change(zoomTo(from, to ?? now));

  return (
    <section class="panel timeline" aria-labelledby="timeline-title">
      <header>
        <h2 id="timeline-title">Elections and failovers</h2>
        <div class="segments" role="group" aria-label="Time range">
          {SPANS.map((span) => (
            <button
              key={span.ms}
              type="button"
              aria-pressed={view.kind === 'live' && view.span === span.ms}
              onClick={() => change({ kind: 'live', span: span.ms })}
            >
              {span.label}
            </button>
          ))}
        </div>
        <div class="zoom">
          <Button icon="left" kind="quiet" label="Earlier" onClick={() => change(pan(view, -0.5, now))} />
          <Button
            icon="right"
            kind="quiet"
            label="Later"
            disabled={view.kind === 'live'}
            onClick={() => change(pan(view, 0.5, now))}
          />
          <Button icon="minus" kind="quiet" label="Show more time" onClick={() => change(zoom(view, 2, now))} />
          <Button icon="plus" kind="quiet" label="Show less time" onClick={() => change(zoom(view, 0.5, now))} />
          {view.kind === 'still' && <Button onClick={() => void (chosen.value = null)}>Back to now</Button>}
        </div>
      </header>
      {history.lanes.length === 0 ? (
        <p class="muted pad">No replica of this agent has connected yet.</p>
      ) : (
        <TimelinePicture
          history={history}
          window={windowOf(view, now)}
          now={now}
          onGap={(gap) => show(gap.from, gap.to)}
          onPan={(share) => change(pan(view, share, now))}
          onZoom={(factor) => change(zoom(view, factor, now))}
        />
      )}
      <ul class="legend" aria-hidden="true">
        <li class="is-bar">leads</li>
        <li class="is-presence">stands by</li>
        <li class="is-gap">nobody led</li>
        <li class="is-mark">refused</li>
      </ul>
      <Journal history={history} now={now} onShow={show} />
    </section>
  );
}

/** Milliseconds since 1970, four times a second: the picture moves. */
function useMoment(): number {
  const now = useSignal(Date.now());
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) now.value = Date.now();
    }, 250);
    return () => clearInterval(timer);
  }, []);
  return now.value;
}
