import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Yaml } from 'cdk8s';
import { parse } from 'yaml';
import type { ChartSource } from '../charts/chart.ts';
import { SOURCES } from '../charts/sources.ts';
import { coalesceValues } from '../values/tree.ts';
import { type RenderedObject, objectsOf, type Release } from './synth.ts';

/** A file of test-values: values of one chart, named in its first line. */
export interface Case {
  readonly name: string;
  readonly file: string;
  readonly source: ChartSource;
  readonly values: Record<string, unknown>;
}

/** Release of the rendered examples. */
export const EXAMPLE: Release = { name: 'streamspace', namespace: 'streamspace' };

/** Every file of a folder of values; adding one adds a case. */
export function casesIn(folder: string): Case[] {
  const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'));
  return files.sort().map((file) => {
    const text = readFileSync(join(folder, file), 'utf8');
    const chart = /^# chart: (\S+)$/m.exec(text)?.[1];
    const source = SOURCES.find((each) => each.folder === chart);
    if (source === undefined) {
      throw new Error(
        `${file}: its first line must be "# chart: NAME", one of ${SOURCES.map((each) => each.folder).join(', ')}`,
      );
    }
    return { name: basename(file, '.yaml'), file, source, values: (parse(text) ?? {}) as Record<string, unknown> };
  });
}

/** The output of `helm template` for a case, as plain YAML. */
export const goldenOf = (each: Case): string =>
  yamlOf(objectsOf(each.source, { ...EXAMPLE, service: 'Helm' }, each.values));

/** Objects as a stream of YAML documents, for parsers of 1.1 and 1.2. */
export function yamlOf(objects: readonly RenderedObject[]): string {
  return Yaml.stringify(...objects);
}

/** Plain manifests: without a case's secrets, which the hub makes. */
const WITHOUT_SECRETS: Record<string, object> = {
  chart: {
    namespace: { create: true },
    enrolment: { token: '' },
    api: { auth: { secret: '' } },
  },
  'chart-k8s-agent': {},
};
const PLAIN = ['single', 'ha', 'agent-only'];

/** Cases kept as plain manifests, with their values. */
export const plainCases = (cases: readonly Case[]): Case[] =>
  cases
    .filter((each) => PLAIN.includes(each.name))
    .map((each) => ({
      ...each,
      values: coalesceValues(each.values, WITHOUT_SECRETS[each.source.folder]) as Record<string, unknown>,
    }));
