import type { ChartSource } from '../charts/chart.ts';
import { leavesOf } from '../values/tree.ts';
import { takes } from '../values/validate.ts';

/** README.md of a chart: an introduction, and a table of all values. */
export function readmeFile({ name, introduction, schema, description }: ChartSource): string {
  const rows = leavesOf(schema).map(({ path, schema: value }) => [
    `\`${path.join('.')}\``,
    value.type === 'string' || value.type === 'integer' || value.type === 'boolean'
      ? value.enum === undefined
        ? String(value.type)
        : takes(value)
      : value.type === 'array'
        ? 'list'
        : value.type === 'object'
          ? 'map'
          : 'number or text',
    code(JSON.stringify(value.default)),
    value.description ?? '',
  ]);
  const table = [['Value', 'Takes', 'Default', 'What it is for'], ['---', '---', '---', '---'], ...rows]
    .map((row) => `| ${row.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`)
    .join('\n');
  return `# ${name}\n\n<!-- Generated from manifests-src by \`npm run update\`. -->\n\n${description}.\n\n${introduction}\n## Values\n\n${table}\n`;
}

const code = (text: string): string => `\`${text}\``;
