import type { Font } from './font/font.ts';

/** Breaks text into lines of at most `width` pixels: at spaces if possible, otherwise within a word. */
export function wrap(text: string, font: Font, width: number): string[] {
  return text.split('\n').flatMap((paragraph) => wrapParagraph(paragraph, font, width));
}

function wrapParagraph(paragraph: string, font: Font, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  let used = 0;
  let breakAt = -1;
  for (const char of paragraph) {
    const step = font.advance(char);
    if (used + step > width && line !== '' && char !== ' ') {
      const cut = breakAt > 0 ? breakAt : line.length;
      lines.push(line.slice(0, cut));
      line = line.slice(cut);
      used = font.width(line);
      breakAt = -1;
    }
    line += char;
    used += step;
    if (char === ' ') breakAt = line.length;
  }
  return [...lines, line];
}

/** The text; if it does not fit, as much of its start as fits with an ellipsis. */
export function ellipsis(text: string, font: Font, width: number): string {
  if (font.width(text) <= width) return text;
  let kept = '';
  for (const char of text) {
    if (font.width(`${kept}${char}…`) > width) break;
    kept += char;
  }
  return `${kept}…`;
}
