import type { Canvas } from './canvas.ts';
import type { Rect } from './framebuffer.ts';
import type { Sketch } from './sketch.ts';
import { COLOURS, type Fonts, makeFonts } from './theme.ts';
import { ellipsis, wrap } from './wrap.ts';

/** Everything that the picture depends on. */
export interface SceneState {
  readonly session: { readonly id: string; readonly name: string; readonly user: string; readonly template: string };
  /** Like `14:05:09` and `Saturday, 31 January 2026`. */
  readonly time: string;
  readonly date: string;
  readonly notes: { readonly text: string; readonly status: string };
  readonly sketch: Sketch;
  readonly clipboard: string;
  readonly key: string;
  readonly pointer: { readonly x: number; readonly y: number; readonly buttons: number } | undefined;
  readonly viewers: number;
}

/** A rectangle that is drawn as a whole when its content changes. */
export interface ScenePart {
  readonly rect: Rect;
  /** A key that is equal for equal pictures. */
  shows(state: SceneState): string;
  draw(canvas: Canvas, state: SceneState): void;
}

const MARGIN = 28;
const PAD = 22;
const HEADER = 108;
const FOOTER = 44;
const LINE = 26;

export interface Places {
  readonly notes: Rect;
  readonly sketch: Rect;
  /** The area for drawing with the pointer. */
  readonly paper: Rect;
  readonly clipboard: Rect;
}

export function places(width: number, height: number): Places {
  const top = HEADER;
  const bottom = height - FOOTER;
  const left = Math.round((width - 3 * MARGIN) * 0.56);
  const x = 2 * MARGIN + left;
  const right = width - x - MARGIN;
  const clipboard = 148;
  const sketch = { x, y: top, width: right, height: bottom - top - clipboard - MARGIN };
  return {
    notes: { x: MARGIN, y: top, width: left, height: bottom - top },
    sketch,
    paper: { x: x + PAD, y: top + 56, width: right - 2 * PAD, height: sketch.height - 56 - PAD },
    clipboard: { x, y: bottom - clipboard, width: right, height: clipboard },
  };
}

export function parts(width: number, height: number): ScenePart[] {
  const fonts = makeFonts();
  const at = places(width, height);
  return [
    title(fonts, { x: 0, y: 0, width: width - 420, height: HEADER }),
    clock(fonts, { x: width - 420, y: 0, width: 420, height: HEADER }),
    notes(fonts, at.notes),
    sketch(fonts, at.sketch, at.paper),
    clipboard(fonts, at.clipboard),
    footer(fonts, { x: 0, y: height - FOOTER + 1, width, height: FOOTER - 1 }),
  ];
}

function title(fonts: Fonts, rect: Rect): ScenePart {
  return {
    rect,
    shows: () => '',
    draw(canvas, { session }) {
      canvas.fill(rect, COLOURS.background);
      logo(canvas, MARGIN, 32);
      const x = MARGIN + 62;
      const width = rect.width - x;
      canvas.text(x, 54, ellipsis(session.name || session.id, fonts.title, width), fonts.title, COLOURS.ink);
      canvas.text(
        x,
        80,
        ellipsis(`${session.user}  ·  ${session.template}`, fonts.body, width),
        fonts.body,
        COLOURS.soft,
      );
    },
  };
}

/** Two screens, one behind the other. */
function logo(canvas: Canvas, x: number, y: number): void {
  canvas.rounded({ x: x + 14, y, width: 34, height: 34 }, 9, COLOURS.accentSoft);
  canvas.rounded({ x: x + 13, y: y + 11, width: 26, height: 26 }, 8, COLOURS.background);
  canvas.rounded({ x, y: y + 13, width: 36, height: 36 }, 9, COLOURS.accent);
  canvas.line(x + 11, y + 26, x + 18, y + 31, 3, COLOURS.card);
  canvas.line(x + 18, y + 31, x + 11, y + 36, 3, COLOURS.card);
  canvas.line(x + 21, y + 37, x + 27, y + 37, 3, COLOURS.card);
}

function clock(fonts: Fonts, rect: Rect): ScenePart {
  return {
    rect,
    shows: ({ time, date }) => `${time} ${date}`,
    draw(canvas, { time, date }) {
      canvas.fill(rect, COLOURS.background);
      const right = rect.x + rect.width - MARGIN;
      canvas.text(right - fonts.clock.width(time), 57, time, fonts.clock, COLOURS.ink);
      canvas.text(right - fonts.body.width(date), 82, date, fonts.body, COLOURS.soft);
    },
  };
}

function card(canvas: Canvas, rect: Rect, heading: string, note: string, fonts: Fonts): void {
  canvas.fill(rect, COLOURS.background);
  canvas.card(rect, 12, COLOURS.card, COLOURS.line);
  const y = rect.y + 36;
  const x = canvas.text(rect.x + PAD, y, heading, fonts.heading, COLOURS.ink);
  const room = rect.x + rect.width - PAD - x - 24;
  const text = ellipsis(note, fonts.small, room);
  canvas.text(rect.x + rect.width - PAD - fonts.small.width(text), y, text, fonts.small, COLOURS.faint);
}

function notes(fonts: Fonts, rect: Rect): ScenePart {
  const area = { x: rect.x + PAD, y: rect.y + 56, width: rect.width - 2 * PAD, height: rect.height - 56 - 14 };
  const rows = Math.floor(area.height / LINE);
  return {
    rect,
    shows: (state) => `${state.notes.status}\n${state.notes.text}`,
    draw(canvas, state) {
      card(canvas, rect, 'Notes', `notes.txt  ·  ${state.notes.status}`, fonts);
      for (let row = 0; row < rows; row++) {
        canvas.fill({ x: area.x, y: area.y + (row + 1) * LINE - 2, width: area.width, height: 1 }, COLOURS.grid);
      }
      const lines = wrap(state.notes.text, fonts.body, area.width - 8);
      const seen = lines.slice(-rows);
      const inside = canvas.within(area);
      let pen = area.x;
      seen.forEach(
        (line, row) => (pen = inside.text(area.x, area.y + (row + 1) * LINE - 8, line, fonts.body, COLOURS.ink)),
      );
      const caret = area.y + seen.length * LINE;
      canvas.fill({ x: Math.round(pen) + 1, y: caret - 23, width: 2, height: 18 }, COLOURS.accent);
      if (state.notes.text === '') {
        inside.text(
          area.x + 12,
          area.y + LINE - 8,
          'Type something: it is kept in your home.',
          fonts.body,
          COLOURS.faint,
        );
      }
    },
  };
}

function sketch(fonts: Fonts, rect: Rect, paper: Rect): ScenePart {
  return {
    rect,
    shows: (state) => String(state.sketch.version),
    draw(canvas, state) {
      card(canvas, rect, 'Sketch', state.sketch.empty ? 'press and draw' : 'Escape clears', fonts);
      canvas.rounded(paper, 8, COLOURS.background);
      for (let x = paper.x + 20; x < paper.x + paper.width; x += 24) {
        for (let y = paper.y + 20; y < paper.y + paper.height; y += 24)
          canvas.fill({ x, y, width: 2, height: 2 }, COLOURS.line);
      }
      state.sketch.draw(canvas.within(paper), COLOURS.pens);
    },
  };
}

function clipboard(fonts: Fonts, rect: Rect): ScenePart {
  const width = rect.width - 2 * PAD;
  return {
    rect,
    shows: (state) => state.clipboard,
    draw(canvas, state) {
      card(canvas, rect, 'Clipboard', 'Ctrl C copies the notes  ·  Ctrl V pastes', fonts);
      if (state.clipboard === '') {
        canvas.text(rect.x + PAD, rect.y + 76, 'Empty', fonts.body, COLOURS.faint);
        return;
      }
      const lines = wrap(state.clipboard.slice(0, 1000), fonts.body, width);
      const shown = lines.length > 3 ? [...lines.slice(0, 2), ellipsis(`${lines[2]} …`, fonts.body, width)] : lines;
      shown.forEach((line, row) => canvas.text(rect.x + PAD, rect.y + 74 + row * 25, line, fonts.body, COLOURS.soft));
    },
  };
}

function footer(fonts: Fonts, rect: Rect): ScenePart {
  const words = (state: SceneState) => {
    const { pointer, viewers, key } = state;
    return [
      pointer ? `pointer ${pointer.x}, ${pointer.y}` : '',
      key === '' ? '' : `key ${key}`,
      viewers === 1 ? '1 viewer' : `${viewers} viewers`,
    ].filter((word) => word !== '');
  };
  return {
    rect,
    shows: (state) => words(state).join(),
    draw(canvas, state) {
      canvas.fill(rect, COLOURS.background);
      const y = rect.y + 26;
      canvas.dot(MARGIN + 5, y - 5, 4, COLOURS.good);
      const left = `session ${ellipsis(state.session.id, fonts.small, rect.width / 3)}  ·  built-in desktop`;
      canvas.text(MARGIN + 16, y, left, fonts.small, COLOURS.soft);
      const right = words(state).join('  ·  ');
      canvas.text(rect.width - MARGIN - fonts.small.width(right), y, right, fonts.small, COLOURS.soft);
    },
  };
}
