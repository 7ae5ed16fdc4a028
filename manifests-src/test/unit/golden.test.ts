import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { casesIn, EXAMPLE } from '../../src/render/cases.ts';
import { objectsOf } from '../../src/render/synth.ts';
import { byIdentity, objectsIn } from '../support/charts.ts';

const folder = fileURLToPath(new URL('../../../test-values', import.meta.url));

describe.each(casesIn(folder).map((each) => [each.name, each] as const))('test-values/%s.yaml', (name, each) => {
  it('renders what is kept in golden/', () => {
    const kept = byIdentity(objectsIn(readFileSync(`${folder}/golden/${name}.yaml`, 'utf8'), '1.1'));
    const now = byIdentity(objectsOf(each.source, { ...EXAMPLE, service: 'Helm' }, each.values));
    expect(kept).toEqual(JSON.parse(JSON.stringify(now)));
  });
});
