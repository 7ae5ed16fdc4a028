import { resolve } from 'node:path';
import { Yaml } from 'cdk8s';
import { objectsOf } from '../render/synth.ts';
import { coalesceValues, defaultsOf, overlay } from '../values/tree.ts';
import { announced, put, valuesOfParameters } from './parameters.ts';
import { PluginError, projectIn, sourceCalled, valuesIn, valuesOf } from './project.ts';

export type PluginEnv = Readonly<Record<string, string | undefined>>;

/** Set one value: ARGOCD_ENV_SET_k8sAgent__replicaCount=3. */
const SET = 'ARGOCD_ENV_SET_';

const RELEASE_NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** The plugin's work on a folder of a repository, with Argo CD's environment. */
interface Request {
  readonly folder: string;
  readonly env: PluginEnv;
}

function project({ folder, env }: Request) {
  const found = projectIn(folder);
  if (found === undefined)
    throw new PluginError(
      'cdk8s.yaml: has no key `streamspace`; add streamspace: {chart: chart, values: [values.yaml]}',
    );
  return { ...found, source: sourceCalled(env['ARGOCD_ENV_CHART'] || found.chart) };
}

/** Values, the later over the earlier: files, ARGOCD_ENV_VALUES, ARGOCD_ENV_SET_…, parameters. */
function valuesOfRequest(request: Request): Record<string, unknown> {
  const { folder, env } = request;
  const { source, values: files } = project(request);
  const path = env['ARGOCD_APP_SOURCE_PATH'] ?? '.';
  const depth = path.split('/').filter((part) => part !== '' && part !== '.').length;
  const root = resolve(folder, ...Array.from({ length: depth }, () => '..'));
  const more = (env['ARGOCD_ENV_VALUE_FILES'] ?? '')
    .split(',')
    .map((file) => file.trim())
    .filter((file) => file !== '');
  const set: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(env).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (name.startsWith(SET) && value !== undefined)
      put(
        source.schema,
        set,
        name.slice(SET.length).replaceAll('__', '.'),
        { string: value },
        name.slice('ARGOCD_ENV_'.length),
      );
  }
  const layers = [
    { argocd: { syncWaves: true } },
    ...[...files, ...more].map((file) => valuesIn(file, folder, root)),
    valuesOf(env['ARGOCD_ENV_VALUES'] ?? '', 'ARGOCD_ENV_VALUES'),
    set,
    valuesOfParameters(source.schema, env['ARGOCD_APP_PARAMETERS'] || '[]'),
  ];
  return layers.reduce((below, above) => overlay(below, above), {}) as Record<string, unknown>;
}

/** The manifests, as YAML. Throws if there is nothing to apply: Argo CD would delete everything. */
export function generate(request: Request): string {
  const { env } = request;
  const { source, release } = project(request);
  const name = env['ARGOCD_ENV_RELEASE'] || release || env['ARGOCD_APP_NAME'];
  const namespace = env['ARGOCD_APP_NAMESPACE'];
  if (name === undefined || name === '') throw new PluginError('ARGOCD_APP_NAME: is not set; Argo CD sets it');
  if (namespace === undefined || namespace === '')
    throw new PluginError('ARGOCD_APP_NAMESPACE: is not set; name a namespace in the Application’s destination');
  // as in Helm, for labels and names
  if (name.length > 53 || !RELEASE_NAME.test(name))
    throw new PluginError(
      `release: ${name} is no name of a release (at most 53 lower case letters, digits, dashes and dots); set streamspace.release in cdk8s.yaml, or RELEASE in the plugin’s env`,
    );
  const objects = objectsOf(source, { name, namespace, service: 'argocd' }, valuesOfRequest(request));
  const lease = objects.find(({ kind }) => kind === 'Lease');
  if (lease !== undefined)
    throw new PluginError('ha.createLease: Argo CD never syncs a Lease; set it to false, and the agent makes its own');
  if (objects.length === 0)
    throw new PluginError('the render is empty, and Argo CD would delete everything; enable something');
  return Yaml.stringify(...objects);
}

/** The parameters, as Argo CD reads them; each with its value from files and environment. */
export function parameters({ folder, env }: Request): string {
  const { source } = project({ folder, env });
  // Argo CD shows the Application's own parameters over these
  const below = valuesOfRequest({ folder, env: { ...env, ARGOCD_APP_PARAMETERS: '' } });
  return JSON.stringify(announced(source.schema, coalesceValues(defaultsOf(source.schema), below)));
}

/** Whether the folder is ours. */
export const discover = (folder: string): boolean => projectIn(folder) !== undefined;
