import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { objectsIn } from '../support/charts.ts';

const folder = fileURLToPath(new URL('../../../manifests', import.meta.url));

it.each(readdirSync(folder))('manifests/%s: a namespace comes before what is in it, as kubectl applies it', (file) => {
  const objects = objectsIn(readFileSync(`${folder}/${file}`, 'utf8'), '1.1');
  const made = objects.flatMap(({ kind, metadata }) => (kind === 'Namespace' ? [metadata.name] : []));
  expect(made.length).toBeGreaterThan(0);
  for (const name of made) {
    const at = objects.findIndex(({ kind, metadata }) => kind === 'Namespace' && metadata.name === name);
    expect(objects.slice(0, at).filter(({ metadata }) => metadata.namespace === name)).toEqual([]);
  }
});
