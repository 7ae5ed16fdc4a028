import type { ChartSource } from '../charts/chart.ts';
import { type LeafValue, leavesOf, type ValueSchema } from '../values/tree.ts';
import { takes } from '../values/validate.ts';

/** README.md of a chart: an introduction, and a table of values for each group. */
export function readmeFile({ name, introduction, schema, description }: ChartSource): string {
  const groups = groupsOf(schema);
  const contents = groups.map(([title]) => `- [${title}](#${anchor(title)})`).join('\n');
  const tables = groups.map(([title, leaves]) => `### ${title}\n\n${table(leaves)}\n`).join('\n');
  return `# ${name}\n\n<!-- Generated from manifests-src by \`npm run update\`. -->\n\n${description}.\n\n${introduction}\n## Values\n\n${contents}\n\n${tables}`;
}

/** Values by the first part of their names; values without a group are common, and come first. Rarely needed values come last in a group. */
function groupsOf(schema: ValueSchema): (readonly [title: string, leaves: readonly LeafValue[]])[] {
  const groups = new Map<string, LeafValue[]>([['Common', []]]);
  for (const leaf of leavesOf(schema)) {
    const title = leaf.path.length === 1 ? 'Common' : leaf.path[0]!;
    groups.set(title, [...(groups.get(title) ?? []), leaf]);
  }
  const few = ({ path }: LeafValue): number => (path.includes('advanced') ? 1 : 0);
  return [...groups].map(([title, leaves]) => [title, leaves.toSorted((one, other) => few(one) - few(other))] as const);
}

/** GitHub's anchor of a heading. */
const anchor = (title: string): string => title.toLowerCase().replaceAll(/[^a-z0-9-]/g, '');

function table(leaves: readonly LeafValue[]): string {
  const rows = leaves.map(({ path, schema: value }) => [
    code(path.join('.')),
    takesOf(value),
    code(JSON.stringify(value.default)),
    value.description ?? '',
  ]);
  return [['Value', 'Takes', 'Default', 'Description'], ['---', '---', '---', '---'], ...rows]
    .map((row) => `| ${row.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`)
    .join('\n');
}

function takesOf(value: ValueSchema): string {
  if (value.kube !== undefined) return value.kube.replace(/^\[\](.*)/, 'list of $1').replace(/^\{\}(.*)/, 'map of $1');
  if (value.type === 'array') return 'list';
  if (value.type === 'object') return 'map';
  if (value.enum !== undefined) return takes(value);
  return typeof value.type === 'string' ? value.type : 'number or text';
}

const code = (text: string): string => `\`${text}\``;
