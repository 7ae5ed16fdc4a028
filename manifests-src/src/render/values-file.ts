import type { ChartSource } from '../charts/chart.ts';
import { stringify } from 'yaml';
import { defaultsOf, isSection, type ValueSchema } from '../values/tree.ts';

/** values.yaml: every value with its default, and a comment on each. */
export function valuesFile({ name, schema }: ChartSource): string {
  const head = [
    `# Default values of ${name}. Generated from manifests-src by \`npm run update\`; the table is in README.md.`,
    `# yaml-language-server: $schema=values.schema.json`,
    '',
  ];
  return `${[...head, ...entries(schema, 0)].join('\n').trimEnd()}\n`;
}

function entries(schema: ValueSchema, indent: number): string[] {
  const pad = ' '.repeat(indent);
  return Object.entries(schema.properties ?? {}).flatMap(([key, value]) => {
    const comment = (value.description ?? '')
      .split('\n')
      .map((line) => `${pad}# ${isSection(value) ? '' : '-- '}${line}${among(value)}`);
    const space = indent === 0 ? [''] : [];
    if (isSection(value)) return [...comment, `${pad}${key}:`, ...entries(value, indent + 2), ...space];
    return [...comment, `${pad}${key}:${literal(defaultsOf(value), indent + 2)}`, ...space];
  });
}

const among = (schema: ValueSchema): string =>
  schema.enum === undefined || schema.enum.length < 2 ? '' : ` (${schema.enum.join(', ')})`;

function literal(value: unknown, indent: number): string {
  if (typeof value !== 'object' || value === null || Object.keys(value).length === 0)
    return ` ${JSON.stringify(value)}`;
  const lines = stringify(value, { version: '1.1', lineWidth: 0 }).trimEnd().split('\n');
  return `\n${lines.map((line) => ' '.repeat(indent) + line).join('\n')}`;
}
