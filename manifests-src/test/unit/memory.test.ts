import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { k8sAgent } from '../../src/charts/k8s-agent.ts';
import { streamspace } from '../../src/charts/streamspace.ts';
import { type RenderedObject, objectsOf } from '../../src/render/synth.ts';
import { BASES } from '../support/bases.ts';

const root = new URL('../../../', import.meta.url);
const page = readFileSync(new URL('docs/agent.md', root), 'utf8');
const [, standby, leader] = (
  /A standby needs \*\*(\d+) MiB\*\*, a leader of a hundred sessions \*\*(\d+) MiB\*\*/.exec(page) ?? []
).map(Number) as [number, number, number];
/** Most of each measured replica, in MiB, in the order of the table. */
const measured = [...page.matchAll(/^\| a (?:standby|leader).* (\d+) MiB \|$/gm)].map(([, most]) => Number(most));

const UNITS: Readonly<Record<string, number>> = { Ki: 1 / 1024, Mi: 1, Gi: 1024 };
function mebibytes(quantity: unknown): number {
  const [, number, unit] = /^(\d+)([KMG]i)$/.exec(String(quantity)) ?? [];
  if (unit === undefined) throw new Error(`memory of ${String(quantity)}`);
  return Number(number) * UNITS[unit]!;
}

interface Workload extends RenderedObject {
  readonly spec: {
    readonly template: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> };
      readonly spec: {
        readonly containers: readonly {
          readonly resources: { readonly limits: { memory: string }; readonly requests: { memory: string } };
        }[];
      };
    };
  };
}
/** Memory of the agents' containers, in MiB. */
function memoryOf(objects: readonly RenderedObject[]): { request: number; limit: number }[] {
  return objects
    .filter(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet')
    .map((object) => (object as Workload).spec.template)
    .filter(({ metadata }) => metadata.labels['app.kubernetes.io/component'] === 'k8s-agent')
    .map(({ spec }) => {
      const { limits, requests } = spec.containers[0]!.resources;
      return { request: mebibytes(requests.memory), limit: mebibytes(limits.memory) };
    });
}

describe('K9 memory of the agent', () => {
  it('is what was measured, and some room', () => {
    expect(measured).toHaveLength(3);
    expect(standby).toBeGreaterThan(measured[0]!);
    expect(leader).toBeGreaterThan(Math.max(...measured));
  });

  it.each([streamspace(), k8sAgent()])(
    'is below the limit of the chart, and a standby’s is requested: $name',
    (chart) => {
      const found = memoryOf(objectsOf(chart, { name: 'r', namespace: 'n' }, BASES[chart.name]));
      expect(found).toHaveLength(1);
      expect(found[0]!.limit).toBeGreaterThan(leader);
      expect(found[0]!.request).toBeGreaterThanOrEqual(standby);
    },
  );

  it.each(
    ['manifests', 'test-values/golden'].flatMap((folder) =>
      readdirSync(new URL(folder, root)).map((file) => `${folder}/${file}`),
    ),
  )('is below the limit of %s', (file) => {
    const objects = parseAllDocuments(readFileSync(new URL(file, root), 'utf8')).map(
      (each) => each.toJS() as RenderedObject | null,
    );
    for (const { limit } of memoryOf(objects.filter((each) => each !== null))) expect(limit).toBeGreaterThan(leader);
  });
});
