import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { streamspace } from '../../src/charts/streamspace.ts';
import { coalesceValues } from '../../src/values/tree.ts';
import { BASES, RELEASE } from '../support/bases.ts';
import { asciiOf, objectsIn, writeChart } from '../support/charts.ts';
import { execute, HELMS } from '../support/tools.ts';

/** Every character of the first planes that YAML can hold, and some of the others. */
const FIRST = Array.from({ length: 0x2fff }, (_, index) => index + 1).filter(
  (code) => (code < 0x7f || code > 0x9f) && code !== 0x2028 && code !== 0x2029,
);
const CHARACTERS = [...FIRST, 0xa000, 0xd7ff, 0xe000, 0xfeff, 0xfffd, 0x1_0000, 0x1_f5a5, 0xe_0001, 0x10_ffff].map(
  (code) => `a ${String.fromCodePoint(code)}b`,
);
const TEXT = CHARACTERS.join(',');

interface Deployment {
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly containers: { name: string; image: string }[];
        readonly affinity: {
          podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { topologyKey: string }[] };
        };
      };
    };
  };
}

describe.each(HELMS)('characters in a chart rendered by $name', ({ file, name }) => {
  it.skipIf(file === undefined)(
    `survive, in texts and in what is passed on${file === undefined ? ` (${name} is not on PATH)` : ''}`,
    async () => {
      const values = coalesceValues(BASES['streamspace'], {
        k8sAgent: {
          podAntiAffinity: { type: 'required', topologyKey: TEXT },
          sidecars: CHARACTERS.map((image, index) => ({ name: `s${index}`, image })),
        },
      });
      const path = join(mkdtempSync(join(tmpdir(), 'characters-')), 'values.yaml');
      writeFileSync(path, asciiOf(values));
      const chart = writeChart(streamspace());
      const { stdout, code, stderr } = await execute(file!, [
        'template',
        RELEASE.name,
        chart,
        '-f',
        path,
        '--kube-version',
        '1.34.0',
        '-s',
        'templates/agent/deployment.yaml',
      ]);
      expect([code, stderr]).toEqual([0, '']);
      for (const version of ['1.1', '1.2'] as const) {
        const { affinity, containers } = (objectsIn(stdout, version)[0] as unknown as Deployment).spec.template.spec;
        const [, ...sidecars] = containers;
        const [apart] = affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution;
        // a difference of this length can't be shown
        expect(apart!.topologyKey === TEXT).toBe(true);
        expect(sidecars.map(({ image }) => image)).toEqual(CHARACTERS);
      }
    },
    60_000,
  );
});
