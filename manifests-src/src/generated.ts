import { join } from 'node:path';
import { Chart, Yaml } from 'cdk8s';
import { SOURCES } from './charts/sources.ts';
import { casesIn, goldenOf } from './render/cases.ts';
import { chartFiles } from './render/chart-files.ts';
import { plainApp } from './render/plain.ts';

/** Folders in which there is nothing but generated files. */
export const OWNED = [...SOURCES.map((source) => source.folder), 'test-values/golden', 'manifests'];

/** Everything that is generated of the typed source, by path from the root. `root`: the repository. */
export function generatedManifests(root: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const source of SOURCES) {
    for (const [path, text] of chartFiles(source)) files.set(`${source.folder}/${path}`, text);
  }
  const testValues = join(root, 'test-values');
  for (const each of casesIn(testValues)) files.set(`test-values/golden/${each.name}.yaml`, goldenOf(each));
  for (const chart of plainApp(testValues, root).node.children) {
    if (Chart.isChart(chart))
      files.set(`manifests/${chart.node.id}.yaml`, Yaml.stringify(...(chart.toJson() as object[])));
  }
  return Promise.resolve(files);
}
