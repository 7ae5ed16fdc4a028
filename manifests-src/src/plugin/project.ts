import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { parse } from 'yaml';
import type { ChartSource } from '../charts/chart.ts';
import { SOURCES } from '../charts/sources.ts';

/** Our key of a cdk8s.yaml: the chart, and its files of values. */
export interface Project {
  readonly chart: string;
  readonly values: readonly string[];
  readonly release: string | undefined;
}

export class PluginError extends Error {}

/** Reads cdk8s.yaml of a folder; undefined: there is none, or it lacks our key. */
export function projectIn(folder: string): Project | undefined {
  const file = join(folder, 'cdk8s.yaml');
  if (!existsSync(file)) return undefined;
  const ours = (yamlOf(readFileSync(file, 'utf8'), 'cdk8s.yaml') as { streamspace?: unknown } | null)?.streamspace;
  if (ours === undefined) return undefined;
  if (typeof ours !== 'object' || ours === null || Array.isArray(ours)) {
    throw new PluginError('cdk8s.yaml: streamspace: takes a map, e.g. {chart: chart, values: [values.yaml]}');
  }
  const { chart = 'chart', values = [], release, ...others } = ours as Record<string, unknown>;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined)
    throw new PluginError(`cdk8s.yaml: streamspace.${unknown}: unknown key; known are chart, values, release`);
  if (typeof chart !== 'string') throw new PluginError('cdk8s.yaml: streamspace.chart: takes a name');
  if (!isTexts(values)) throw new PluginError('cdk8s.yaml: streamspace.values: takes a list of files');
  if (release !== undefined && typeof release !== 'string')
    throw new PluginError('cdk8s.yaml: streamspace.release: takes a name');
  return { chart, values, release };
}

const isTexts = (thing: unknown): thing is string[] =>
  Array.isArray(thing) && thing.every((each) => typeof each === 'string');

export function sourceCalled(name: string): ChartSource {
  const source = SOURCES.find((each) => each.folder === name || each.name === name);
  if (source === undefined) {
    throw new PluginError(`chart: there is no ${name}; known are ${SOURCES.map((each) => each.folder).join(', ')}`);
  }
  return source;
}

/** Values in a file of the repository. `root`: folder that the file must be in. */
export function valuesIn(file: string, folder: string, root: string): unknown {
  const path = resolve(folder, file);
  if (isAbsolute(file) || leaves(path, root))
    throw new PluginError(`${file}: is outside of the repository; name a file in it`);
  if (!existsSync(path)) throw new PluginError(`${file}: there is no such file of values`);
  if (leaves(realpathSync(path), realpathSync(root)))
    throw new PluginError(`${file}: leads out of the repository; name a file in it`);
  return valuesOf(readFileSync(path, 'utf8'), file);
}

const leaves = (path: string, root: string): boolean =>
  relative(root, path).startsWith('..') || isAbsolute(relative(root, path));

/** Values of a YAML text; `where` is named in errors. */
export function valuesOf(text: string, where: string): unknown {
  const values = yamlOf(text, where);
  if (values === null || values === undefined) return {};
  if (typeof values !== 'object' || Array.isArray(values)) throw new PluginError(`${where}: takes a map of values`);
  return values;
}

function yamlOf(text: string, where: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw new PluginError(`${where}: is no YAML: ${(error as Error).message.split('\n')[0]}`);
  }
}
