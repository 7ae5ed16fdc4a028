import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { Gap, History } from './history.ts';
import { layoutOf, METRICS } from './layout.ts';
import { ticksOf, type Window, xOf } from './scale.ts';
import { gapTip, refusalTip, reignTip, zoneOf } from './tips.ts';

interface PictureProps {
  history: History;
  window: Window;
  now: number;
  onGap: (gap: Gap) => void;
  onPan: (share: number) => void;
  onZoom: (factor: number) => void;
}

interface Tip {
  x: number;
  y: number;
  lines: string[];
}

/** The elections of an agent: one lane per replica, one bar per leadership, hatched without a leader. Times are in the viewer's own zone. */
export function TimelinePicture({ history, window, now, onGap, onPan, onZoom }: PictureProps) {
  const frame = useRef<HTMLDivElement>(null);
  const width = useSignal(800);
  const tip = useSignal<Tip | null>(null);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => {
      width.value = Math.max(200, Math.floor(entry!.contentRect.width));
    });
    observer.observe(frame.current!);
    return () => observer.disconnect();
  }, []);

  const w = width.value;
  const layout = layoutOf(history, window, w, now);
  const ticks = ticksOf(window, Math.max(2, Math.floor(w / 90)), zoneOf(now));
  const nowX = xOf(now, window, w);
  const hint = (x: number, y: number, lines: string[]) => ({
    tabIndex: 0,
    role: 'img' as const,
    'aria-label': lines.join('. '),
    onMouseEnter: () => void (tip.value = { x, y, lines }),
    onMouseLeave: () => void (tip.value = null),
    onFocus: () => void (tip.value = { x, y, lines }),
    onBlur: () => void (tip.value = null),
  });
  const onKeyDown = (event: KeyboardEvent) => {
    const act = {
      ArrowLeft: () => onPan(-0.25),
      ArrowRight: () => onPan(0.25),
      '+': () => onZoom(0.5),
      '-': () => onZoom(2),
      Escape: () => void (tip.value = null),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  };

  return (
    <div
      class="picture"
      ref={frame}
      role="group"
      aria-label="Elections over time. Arrow keys move, plus and minus zoom."
      onKeyDown={onKeyDown}
      data-testid="timeline"
    >
      <svg width={w} height={layout.height} viewBox={`0 0 ${w} ${layout.height}`}>
        <defs>
          <pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
            <rect class="hatch-ground" width="6" height="6" />
            <rect class="hatch-line" width="2" height="6" />
          </pattern>
        </defs>
        {ticks.map((tick) => (
          <g key={tick.at} class="tick">
            <line
              x1={xOf(tick.at, window, w)}
              x2={xOf(tick.at, window, w)}
              y1={layout.lanesTop}
              y2={layout.axisY + 4}
            />
            {fits(tick.label, xOf(tick.at, window, w), w) && (
              <text x={xOf(tick.at, window, w)} y={layout.axisY + 18} text-anchor="middle">
                {tick.label}
              </text>
            )}
          </g>
        ))}
        <line class="axis" x1={0} x2={w} y1={layout.axisY} y2={layout.axisY} />
        {layout.gaps.map(({ gap, x, width: size, callout }) => (
          <g
            key={gap.from}
            class={gap.to === null ? 'gap open' : 'gap'}
            data-testid="timeline-gap"
            {...hint(x + size / 2, layout.lanesTop, gapTip(gap, now))}
            role="button"
            onClick={() => onGap(gap)}
            onKeyDown={(event: KeyboardEvent) => {
              if (event.key === 'Enter') onGap(gap);
            }}
          >
            <rect x={x} width={size} y={layout.lanesTop} height={layout.axisY - layout.lanesTop} />
            {callout && (
              <line x1={x + size / 2} x2={x + size / 2} y1={callout.y + METRICS.callout - 5} y2={layout.lanesTop} />
            )}
          </g>
        ))}
        {layout.gaps.map(
          ({ gap, callout }) =>
            callout && (
              <text key={gap.from} class="callout" x={callout.x} y={callout.y + 13} text-anchor="middle">
                {callout.text}
              </text>
            ),
        )}
        {layout.lanes.map((lane) => (
          <g key={lane.replica} class="lane">
            <text class="lane-name" x={0} y={lane.y - 5}>
              {lane.replica}
            </text>
            {lane.presences.map((span) => (
              <rect
                key={span.x}
                class="presence"
                x={span.x}
                width={span.width}
                y={lane.y + METRICS.bar / 2 - 2}
                height={4}
                rx={2}
              />
            ))}
            {lane.bars.map((bar) => (
              <g
                key={bar.reign.from}
                class={bar.open ? 'bar open' : 'bar'}
                {...hint(clampTo(bar.x + bar.width / 2, w), lane.y, reignTip(bar.reign, now))}
              >
                <rect x={bar.x} width={bar.width} y={lane.y} height={METRICS.bar} rx={Math.min(5, bar.width / 2)} />
                {bar.label !== '' && (
                  <text x={Math.max(bar.x, 0) + 8} y={lane.y + METRICS.bar / 2 + 4}>
                    {bar.label}
                  </text>
                )}
              </g>
            ))}
            {lane.marks.map((mark) => (
              <g
                key={mark.x}
                class="mark"
                data-testid="timeline-refusal"
                {...hint(mark.x, lane.y, refusalTip(mark.refusals))}
              >
                <circle cx={mark.x} cy={lane.y + METRICS.bar / 2} r={9} />
                <text x={mark.x} y={lane.y + METRICS.bar / 2 + 4} text-anchor="middle">
                  {mark.refusals.length > 1 ? (mark.refusals.length > 99 ? '99' : mark.refusals.length) : '×'}
                </text>
              </g>
            ))}
          </g>
        ))}
        {nowX >= 0 && nowX <= w && <line class="now" x1={nowX} x2={nowX} y1={layout.lanesTop - 4} y2={layout.axisY} />}
      </svg>
      {tip.value && <TipBox tip={tip.value} width={w} />}
    </div>
  );
}

function TipBox({ tip, width }: { tip: Tip; width: number }) {
  const box = Math.min(300, width);
  const left = Math.min(Math.max(0, tip.x - box / 2), width - box);
  return (
    <div
      class="tip"
      role="tooltip"
      data-testid="timeline-tip"
      style={{ left: `${left}px`, width: `${box}px`, top: `${tip.y + METRICS.bar + 8}px` }}
    >
      {tip.lines.map((line, index) => (index === 0 ? <b key={index}>{line}</b> : <p key={index}>{line}</p>))}
    </div>
  );
}

/** Whether a label in the middle of `x` is not cut at the edges; a character takes about 7 px. */
function fits(label: string, x: number, width: number): boolean {
  const half = label.length * 3.5;
  return x >= half && x <= width - half;
}

function clampTo(x: number, width: number): number {
  return Math.min(width, Math.max(0, x));
}
