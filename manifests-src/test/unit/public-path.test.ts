import { expect, it } from 'vitest';
import { streamspace } from '../../src/charts/streamspace.ts';
import { objectsOf } from '../../src/render/synth.ts';
import { coalesceValues } from '../../src/values/tree.ts';
import { BASES, RELEASE } from '../support/bases.ts';

interface Routes {
  readonly rules: readonly {
    readonly http?: { readonly paths: readonly { readonly path: string }[] };
    readonly matches?: readonly { readonly path: { readonly value: string } }[];
  }[];
}

/** Paths that lead to the hub: of the Ingress, and of the HTTPRoute. */
function paths(publicUrl: string, path?: string): unknown[] {
  const values = {
    api: {
      config: { publicUrl },
      ingress: { enabled: true, hosts: ['example.com'], ...(path !== undefined && { path }) },
      httpRoute: { enabled: true, parentRefs: [{ name: 'public' }] },
    },
  };
  const objects = objectsOf(streamspace(), RELEASE, coalesceValues(BASES['streamspace'], values), { tests: false });
  const rule = (kind: string) => (objects.find((object) => object.kind === kind)!['spec'] as Routes).rules[0];
  return [rule('Ingress')?.http?.paths.at(-1)?.path, rule('HTTPRoute')?.matches?.[0]?.path.value];
}

it.each([
  ['', undefined, ['/', '/']],
  ['https://example.com', undefined, ['/', '/']],
  ['https://example.com/', undefined, ['/', '/']],
  ['https://example.com/streamspace', undefined, ['/streamspace', '/streamspace']],
  ['http://[::1]:8080/a/b_c/', undefined, ['/a/b_c', '/a/b_c']],
  ['https://example.com/streamspace', '/streamspace(/|$)(.*)', ['/streamspace(/|$)(.*)', '/streamspace']],
])('V3 publicUrl %j leads its path to the hub', (publicUrl, path, found) => {
  expect(paths(publicUrl, path)).toEqual(found);
});
