import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Chart, Yaml } from 'cdk8s';
import { SOURCES } from './charts/sources.ts';
import { VERSION } from './charts/version.ts';
import { deployFiles } from './deploy/files.ts';
import { kubernetesTypes } from './kubernetes/import.ts';
import { casesIn, EXAMPLE, goldenOf } from './render/cases.ts';
import { chartFiles } from './render/chart-files.ts';
import { immutableOf } from './render/immutable.ts';
import { plainApp } from './render/plain.ts';
import { objectsOf } from './render/synth.ts';

/** Folders with generated files only. */
export const OWNED = [...SOURCES.map((source) => source.folder), 'test-values/golden', 'manifests'];

/** All files generated from the typed source, by path from the root. `root`: the repository. */
export function generatedManifests(root: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  files.set('manifests-src/src/kubernetes/types.json', kubernetesTypes());
  for (const source of SOURCES) {
    for (const [path, text] of chartFiles(source)) files.set(`${source.folder}/${path}`, text);
  }
  const testValues = join(root, 'test-values');
  const cases = casesIn(testValues);
  // written once for each version, and then compared with every later one: an upgrade can't change these
  const record = `manifests-src/test/releases/${VERSION}.json`;
  if (!existsSync(join(root, record))) {
    const fixed = cases.map((each) => [each.name, immutableOf(objectsOf(each.source, EXAMPLE, each.values))]);
    files.set(record, `${JSON.stringify(Object.fromEntries(fixed), null, 2)}\n`);
  }
  for (const each of cases) files.set(`test-values/golden/${each.name}.yaml`, goldenOf(each));
  for (const chart of plainApp(testValues, root).node.children) {
    if (Chart.isChart(chart))
      files.set(`manifests/${chart.node.id}.yaml`, Yaml.stringify(...(chart.toJson() as object[])));
  }
  for (const [path, text] of deployFiles()) files.set(path, text);
  return Promise.resolve(files);
}
