import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { historyOf } from '../../src/timeline/history.ts';
import { gapWords, layoutOf } from '../../src/timeline/layout.ts';
import { clockTime, ticksOf, xOf } from '../../src/timeline/scale.ts';
import { firstView, pan, windowOf, zoom, zoomTo } from '../../src/timeline/view.ts';
import { agentOf, EventLog, NOON } from './agent-events.ts';

const MINUTE = { from: NOON, to: NOON + 60_000 };

describe('the picture’s layout', () => {
  it('puts bars, gaps and words where their times are', () => {
    const log = new EventLog().registered(0, 'a', 1).disconnected(30, 'x').registered(36, 'b', 2);
    const layout = layoutOf(historyOf(log.events, agentOf('b', 2, ['a'], 36)), MINUTE, 600, NOON + 60_000);
    expect(layout.lanes.map(({ replica, bars }) => [replica, bars.map(({ x, width }) => [x, width])])).toEqual([
      ['a', [[0, 300]]],
      ['b', [[360, 240]]],
    ]);
    expect(layout.gaps).toMatchObject([{ x: 300, width: 60, callout: { text: '6 s without a leader', x: 330 } }]);
  });

  it('shows a gap of 0.3 s in a day', () => {
    const log = new EventLog().registered(0, 'a', 1).disconnected(30, 'x').registered(30.3, 'b', 2);
    const history = historyOf(log.events, agentOf('b', 2));
    const { gaps } = layoutOf(history, { from: NOON - 86_000_000, to: NOON + 400_000 }, 600, NOON + 60_000);
    expect(gaps[0]!.width).toBeGreaterThanOrEqual(3);
  });

  it('leaves out what is not in the window, and cuts what reaches beyond', () => {
    const log = new EventLog().registered(0, 'a', 1).disconnected(30, 'x').registered(36, 'b', 2);
    const window = { from: NOON + 40_000, to: NOON + 50_000 };
    const layout = layoutOf(historyOf(log.events, agentOf('b', 2)), window, 600, NOON + 60_000);
    expect(layout.gaps).toEqual([]);
    const bars = layout.lanes.flatMap((lane) => lane.bars);
    expect(bars).toHaveLength(1);
    expect(bars[0]!.width).toBeLessThanOrEqual(608);
  });

  it('never lets the words of two gaps overlap, however many there are', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 50, max: 9_000 }), { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 240, max: 1400 }),
        (steps, width) => {
          const log = new EventLog();
          let at = 0;
          steps.forEach((step, index) => {
            log.registered(at / 1000, index % 2 ? 'a' : 'b', index + 1);
            at += step;
            log.disconnected(at / 1000, 'x');
            at += Math.ceil(step / 7);
          });
          const { gaps } = layoutOf(historyOf(log.events, null), { from: NOON, to: NOON + at }, width, NOON + at);
          const boxes = gaps.flatMap(({ callout }) => {
            if (!callout) return [];
            const size = callout.text.length * 7.6;
            const left = callout.x - size / 2;
            return [{ left, right: left + size, y: callout.y }];
          });
          for (const box of boxes) {
            expect(box.left).toBeGreaterThanOrEqual(-0.001);
            expect(box.right).toBeLessThanOrEqual(width + 0.001);
            for (const other of boxes)
              if (other !== box && other.y === box.y)
                expect(other.left > box.right || other.right < box.left).toBe(true);
          }
        },
      ),
    );
  });

  it('puts refusals that are too close into one mark', () => {
    const log = new EventLog().registered(0, 'a', 1);
    for (const at of [10, 10.5, 11, 40]) log.refused(at, 'b', 0, 'duplicate_agent');
    const { lanes } = layoutOf(historyOf(log.events, agentOf('a', 1)), MINUTE, 600, NOON + 60_000);
    expect(lanes.find(({ replica }) => replica === 'b')!.marks.map(({ refusals }) => refusals.length)).toEqual([3, 1]);
  });
});

describe('what a gap is called', () => {
  const gap = (to: number | null, after: string | null) => ({
    from: NOON,
    to: to === null ? null : NOON + to,
    before: 'a',
    after,
    reason: null,
  });
  it('says how long, and of what', () => {
    expect(gapWords(gap(800, 'b'), NOON)).toBe('0.8 s without a leader');
    expect(gapWords(gap(36, 'b'), NOON)).toBe('36 ms without a leader');
    expect(gapWords(gap(12_000, 'a'), NOON)).toBe('12 s without a connection');
    expect(gapWords(gap(null, null), NOON + 3_000)).toBe('3 s without a leader, so far');
  });
});

describe('the axis', () => {
  it('has round times within the window, not more than asked for', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 10, max: 30 * 86_400_000 }),
        fc.integer({ min: 2, max: 14 }),
        fc.constantFrom(0, 60, -300, 345),
        (span, count, offset) => {
          const window = { from: NOON, to: NOON + span };
          const ticks = ticksOf(window, count, offset);
          expect(ticks.length).toBeLessThanOrEqual(count + 1);
          for (const tick of ticks) expect(xOf(tick.at, window, 100)).toBeGreaterThanOrEqual(0);
          ticks.slice(1).forEach((tick, index) => expect(tick.label).not.toBe(ticks[index]!.label));
        },
      ),
    );
  });

  it('names the day at midnight', () => {
    expect(ticksOf({ from: NOON, to: NOON + 86_400_000 }, 4, 0).map(({ label }) => label)).toEqual([
      '12:00',
      '18:00',
      '02-01',
      '06:00',
      '12:00',
    ]);
  });

  it('is in the viewer’s own zone', () => {
    expect(ticksOf({ from: NOON, to: NOON + 3_600_000 }, 4, 60).map(({ label }) => label)).toEqual([
      '13:00',
      '13:15',
      '13:30',
      '13:45',
      '14:00',
    ]);
    expect(clockTime(NOON + 47_600, 60)).toBe('13:00:47.6');
  });
});

describe('views', () => {
  it('begins with a minute for a young history, otherwise with ten', () => {
    expect(firstView(NOON - 20_000, NOON)).toEqual({ kind: 'live', span: 60_000 });
    expect(firstView(NOON - 9e8, NOON)).toEqual({ kind: 'live', span: 600_000 });
  });

  it('goes into the past and comes back to now', () => {
    const past = pan({ kind: 'live', span: 60_000 }, -0.5, NOON);
    expect(past.kind).toBe('still');
    let view = past;
    for (let n = 0; n < 4; n += 1) view = pan(view, 0.5, NOON);
    expect(view.kind).toBe('live');
  });

  it('shows a gap with room on both sides, and zooms around the middle', () => {
    const view = zoomTo(NOON, NOON + 1_000);
    expect(windowOf(view, NOON)).toEqual({ from: NOON - 1_500, to: NOON + 2_500 });
    expect(windowOf(zoom(view, 0.5, NOON), NOON)).toEqual({ from: NOON - 500, to: NOON + 1_500 });
  });
});
