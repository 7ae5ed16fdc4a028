import { stringify } from 'yaml';

/** A literal in a template must not start an action. */
const escape = (text: string): string => text.replaceAll('{{', '{{ "{{" }}');

export const isPlain = (thing: object): boolean =>
  Object.getPrototypeOf(thing) === Object.prototype && Object.getOwnPropertySymbols(thing).length === 0;

/** A scalar that YAML 1.1 and 1.2 read alike. Long texts become blocks, for readability. */
export function literalText(value: unknown, indent: number): string[] {
  if (typeof value !== 'string') return [JSON.stringify(value)];
  if (isBlock(value)) {
    const kept = value.endsWith('\n');
    const lines = (kept ? value.slice(0, -1) : value).split('\n');
    return [kept ? '|' : '|-', ...lines.map((line) => (line === '' ? '' : ' '.repeat(indent) + escape(line)))];
  }
  return [escape(oneLine(value))];
}

export const literalKey = (key: string): string => escape(oneLine(key));

function oneLine(text: string): string {
  if (/^[A-Za-z/][A-Za-z0-9_./-]*$/.test(text) && stringify(text, { version: '1.1', lineWidth: 0 }).trimEnd() === text)
    return text;
  return JSON.stringify(text);
}

/** Printable lines; the first is not indented, the last not empty. */
const isBlock = (text: string): boolean =>
  text.includes('\n') &&
  /^[^\s]/.test(text) &&
  !text.endsWith('\n\n') &&
  /^[\n\x20-\x7e]*$/.test(text) &&
  !/[ \t]\n/.test(text) &&
  !text.endsWith(' ');
