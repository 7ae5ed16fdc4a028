import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { ChartSource } from '../../src/charts/chart.ts';
import { chartFiles } from '../../src/render/chart-files.ts';
import type { RenderedObject } from '../../src/render/synth.ts';

/** Writes a chart where Helm can read it. */
export function writeChart(source: ChartSource): string {
  const folder = join(mkdtempSync(join(tmpdir(), 'chart-')), source.name);
  for (const [path, text] of chartFiles(source)) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return folder;
}

/** The objects in a stream of YAML documents, as a reader of that version sees them. */
export function objectsIn(text: string, version: '1.1' | '1.2'): RenderedObject[] {
  return parseAllDocuments(text, { version, merge: false })
    .map((document) => {
      if (document.errors.length > 0) throw document.errors[0]!;
      return document.toJS() as RenderedObject | null;
    })
    .filter((object) => object !== null);
}

/** Values as YAML of nothing but ASCII: its readers take some other characters for the end of a line. */
export const asciiOf = (values: unknown): string =>
  // with a newline: Helm reads a file of 4096 bytes (or twice as many …) that does not end with one as empty
  `${JSON.stringify(values).replace(
    /[^\x20-\x7e]/gu,
    (char) => `\\U${char.codePointAt(0)!.toString(16).padStart(8, '0')}`,
  )}\n`;

const key = ({ apiVersion, kind, metadata }: RenderedObject) =>
  `${apiVersion} ${kind} ${metadata.namespace ?? ''}/${metadata.name}`;

/** Objects by what identifies them. Throws where two are the same. */
export function byIdentity(objects: readonly RenderedObject[]): Record<string, RenderedObject> {
  const all: Record<string, RenderedObject> = {};
  for (const object of objects) {
    if (key(object) in all) throw new Error(`there are two of ${key(object)}`);
    all[key(object)] = object;
  }
  return all;
}
