import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addChart, type RenderedObject } from '../../src/render/synth.ts';
import { App, Testing } from 'cdk8s';
import { SOURCES } from '../../src/charts/sources.ts';
import { valuesOf } from '../support/arbitrary.ts';
import { basesOf, RELEASE } from '../support/bases.ts';
import { asciiOf, byIdentity, objectsIn, writeChart } from '../support/charts.ts';
import { execute, HELMS, inParallel } from '../support/tools.ts';
import { repaired } from '../support/valid.ts';

/** Random values for each chart: by Helm 4, and fewer by Helm 3. Each takes half a second of a core, so there are a short form and a long one by name. */
const ROUNDS: Readonly<Record<string, readonly [helm: number, helm3: number]>> =
  process.env['CHART_VALUES'] === 'all'
    ? { chart: [500, 100], 'chart-k8s-agent': [200, 60] }
    : { chart: [200, 40], 'chart-k8s-agent': [80, 20] };
const SEED = 20_260_101;
/** A release's name is part of others. */
const RELEASES = [RELEASE.name, 'streamspace-k8s-agent', 'k8s-agent', 'eu'].map((name) => ({ ...RELEASE, name }));

const synthesized = (app: App): RenderedObject[] => Testing.synth(app.node.children[0] as never) as RenderedObject[];

for (const source of SOURCES) {
  describe.each(HELMS)(`${source.folder} by $name`, ({ file, name }) => {
    const rounds = ROUNDS[source.folder]![name === 'helm' ? 0 : 1];
    it.skipIf(file === undefined)(
      `renders ${rounds} random values as the direct synth does${file === undefined ? ` (${name} is not on PATH)` : ''}`,
      async () => {
        const bases = basesOf(source.name);
        const chart = writeChart(source);
        const folder = mkdtempSync(join(tmpdir(), 'values-'));
        const samples = [0.03, 0.1, 0.3, 0.8].flatMap((share, index) =>
          fc.sample(valuesOf(source.schema, share), { numRuns: rounds / 4, seed: SEED + index }),
        );
        let compared = 0;
        await inParallel(samples.entries(), 2, async ([index, leaves]) => {
          const release = RELEASES[index % RELEASES.length]!;
          const values = repaired(source, release, bases[Math.floor(index / RELEASES.length) % bases.length], leaves);
          const valuesFile = join(folder, `${index}.json`);
          writeFileSync(valuesFile, asciiOf(values));
          const rendered = await execute(file!, [
            'template',
            release.name,
            chart,
            '--namespace',
            release.namespace,
            '--values',
            valuesFile,
            '--kube-version',
            '1.34.0',
          ]);
          const context = `${release.name}, values: ${JSON.stringify(values)}`;
          expect(rendered.code, `${context}\n${rendered.stderr}`).toBe(0);
          const app = new App();
          addChart(app, source, release, values, { tests: true });
          const direct = byIdentity(JSON.parse(JSON.stringify(synthesized(app))) as RenderedObject[]);
          // readers of YAML 1.1 and 1.2 must see the same; one in five is enough for the second
          for (const version of index % 5 === 0 ? (['1.1', '1.2'] as const) : (['1.1'] as const)) {
            const found = byIdentity(objectsIn(rendered.stdout, version));
            // a readable difference is slow to make
            if (!isDeepStrictEqual(found, direct)) expect(found, context).toEqual(direct);
          }
          compared++;
        });
        expect(compared).toBe(rounds);
      },
      900_000,
    );
  });
}
