import { copyFileSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { RenderedObject } from '../../src/render/synth.ts';
import { objectsIn } from '../support/charts.ts';
import { execute, onPath } from '../support/tools.ts';

const manifests = fileURLToPath(new URL('../../../manifests', import.meta.url));
const kustomize = onPath('kustomize');
const absent = kustomize === undefined ? ' (kustomize is not on PATH)' : '';

async function built(file: string, more: object): Promise<RenderedObject[]> {
  const folder = mkdtempSync(join(tmpdir(), 'kustomize-'));
  copyFileSync(join(manifests, file), join(folder, file));
  writeFileSync(join(folder, 'kustomization.yaml'), JSON.stringify({ resources: [file], ...more }));
  const { code, stdout, stderr } = await execute(kustomize!, ['build', folder]);
  expect([code, stderr]).toEqual([0, '']);
  return objectsIn(stdout, '1.1');
}

/** Every text in an object, but for labels, selectors and images. */
function textsOf(thing: unknown, key = ''): string[] {
  if (['labels', 'matchLabels', 'selector', 'annotations', 'image'].includes(key)) return [];
  if (typeof thing === 'string') return [thing];
  if (typeof thing !== 'object' || thing === null) return [];
  return Object.entries(thing).flatMap(([name, value]) => textsOf(value, name));
}

describe(`F16 Kustomize over manifests/${absent}`, () => {
  it.skipIf(kustomize === undefined).each(['single.yaml', 'ha.yaml'])(
    '%s: `namespace:` takes everything to another namespace, what stands in texts, too',
    async (file) => {
      const objects = await built(file, { namespace: 'elsewhere' });
      expect(objects.length).toBeGreaterThan(10);
      for (const object of objects) {
        const { kind, metadata } = object;
        expect(kind === 'Namespace' ? metadata.name : metadata.namespace, `${kind} ${metadata.name}`).toBe('elsewhere');
        // a namespace as a name, or within an address
        const left = textsOf(object).filter((text) => /^streamspace($|\/)|[.]streamspace([.]|$)/.test(text));
        expect(left).toEqual([]);
      }
    },
  );
});
