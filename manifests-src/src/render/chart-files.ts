import { stringify } from 'yaml';
import type { ChartSource } from '../charts/chart.ts';
import { leavesOf, type ValueSchema } from '../values/tree.ts';
import { readmeFile } from './readme-file.ts';
import { schemaFile } from './schema-file.ts';
import { templatesOf } from './templates.ts';
import { valuesFile } from './values-file.ts';

const IGNORED = [
  '.DS_Store',
  '.git/',
  '.gitignore',
  '*.swp',
  '*.bak',
  '*.tmp',
  '*.orig',
  '*~',
  '.project',
  '.idea/',
  '*.tmproj',
  '.vscode/',
  '*.tgz',
];

/** All files of a chart, by their paths in its folder. */
export function chartFiles(source: ChartSource): Map<string, string> {
  const templates = [...templatesOf(source)].map(([path, text]) => [`templates/${path}`, text] as const);
  return new Map<string, string>([
    ['Chart.yaml', chartYaml(source)],
    ['values.yaml', valuesFile(source)],
    ['values.schema.json', schemaFile(`Values of ${source.name}`, source.schema)],
    ['README.md', readmeFile(source)],
    ['.helmignore', `${IGNORED.join('\n')}\n`],
    ...templates,
  ]);
}

function chartYaml({ name, description, version, appVersion, keywords, schema }: ChartSource): string {
  const home = 'https://github.com/streamspace-dev/streamspace';
  const raw = 'https://raw.githubusercontent.com/streamspace-dev/streamspace/main';
  const images = imagesOf(schema, appVersion);
  return stringify(
    {
      apiVersion: 'v2',
      name,
      description,
      type: 'application',
      version,
      appVersion,
      kubeVersion: '>=1.28.0-0',
      keywords,
      home,
      icon: `${raw}/console/public/icon.svg`,
      sources: [home],
      maintainers: [{ name: 'StreamSpace', url: home }],
      annotations: {
        'artifacthub.io/license': 'Apache-2.0',
        'artifacthub.io/category': 'integration-delivery',
        'artifacthub.io/prerelease': 'true',
        'artifacthub.io/containsSecurityUpdates': 'false',
        'artifacthub.io/operator': 'false',
        'artifacthub.io/images': stringify(
          images.map((image) => ({ name: image.split('/').at(-1)!.split(':')[0]!, image })),
        ),
        'artifacthub.io/screenshots': stringify([
          { title: 'A desktop in the browser', url: `${raw}/docs/images/console.png` },
          { title: 'Elections and failovers', url: `${raw}/docs/images/failover.png` },
        ]),
        'artifacthub.io/links': stringify([
          { name: 'Documentation', url: `${home}/tree/main/docs` },
          { name: 'Support', url: `${home}/issues` },
        ]),
        'artifacthub.io/changes': stringify([{ kind: 'added', description: 'First release' }]),
      },
    },
    { version: '1.1', lineWidth: 0 },
  );
}

/** Images that a chart runs by default. */
function imagesOf(schema: ValueSchema, appVersion: string): string[] {
  const defaults = new Map(leavesOf(schema).map((leaf) => [leaf.path.join('.'), leaf.schema.default as string]));
  return [...defaults]
    .filter(([path]) => path.endsWith('image.repository'))
    .map(([path, repository]) => `${repository}:${defaults.get(path.replace('repository', 'tag')) || appVersion}`);
}
