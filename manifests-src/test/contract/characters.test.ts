import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { streamspace } from '../../src/charts/streamspace.ts';
import { coalesce } from '../../src/values/tree.ts';
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

interface Deployment {
  readonly spec: {
    readonly template: {
      readonly spec: { readonly containers: { name: string; image: string; env: { name: string; value: string }[] }[] };
    };
  };
}

describe.each(HELMS)('characters in a chart rendered by $name', ({ file, name }) => {
  it.skipIf(file === undefined)(
    `survive, in texts and in what is passed on${file === undefined ? ` (${name} is not on PATH)` : ''}`,
    async () => {
      const values = coalesce(BASES['streamspace'], {
        k8sAgent: {
          config: { proxy: { none: CHARACTERS } },
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
        const [agent, ...sidecars] = (objectsIn(stdout, version)[0] as unknown as Deployment).spec.template.spec
          .containers;
        expect(agent!.env.find((each) => each.name === 'NO_PROXY')!.value.split(',a ').length).toBe(CHARACTERS.length);
        expect(agent!.env.find((each) => each.name === 'NO_PROXY')!.value === CHARACTERS.join(',')).toBe(true);
        expect(sidecars.map(({ image }) => image)).toEqual(CHARACTERS);
      }
    },
    60_000,
  );
});
