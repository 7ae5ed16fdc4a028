import { stringify } from 'yaml';

/** An entry of a file with the comment above it. */
export interface Commented {
  readonly comment: string;
  readonly value: object;
}

const commented = (text: string, pad = ''): string =>
  text
    .split('\n')
    .map((line) => `${pad}# ${line}\n`)
    .join('');
// as YAML 1.1: some readers take yes and 1:1 for other things than texts
const written = (value: unknown): string =>
  stringify(value, { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false });

/** A Compose file: its header, its services with their comments, and the rest. */
export function commentedYaml(
  header: string,
  { services, ...rest }: { readonly services: Readonly<Record<string, Commented>>; readonly [key: string]: unknown },
): string {
  const { name, ...after } = rest;
  const before = name === undefined ? '' : `\n${written({ name })}`;
  const each = Object.entries(services).map(
    ([key, { comment, value }]) => `${commented(comment, '  ')}${written({ [key]: value }).replace(/^(?=.)/gm, '  ')}`,
  );
  const end = Object.keys(after).length === 0 ? '' : `\n${written(after)}`;
  return `${commented(header)}${before}\nservices:\n${each.join('\n')}${end}`;
}
