import type { V1Pod } from '@kubernetes/client-node';
import type { PodTemplate } from './settings.ts';

/** The API merges these lists of a pod by this key of their items, and replaces all other lists as a whole. */
const MERGE_KEYS: Readonly<Record<string, string>> = {
  containers: 'name',
  initContainers: 'name',
  ephemeralContainers: 'name',
  env: 'name',
  ports: 'containerPort',
  volumeMounts: 'mountPath',
  volumeDevices: 'devicePath',
  volumes: 'name',
  imagePullSecrets: 'name',
  hostAliases: 'ip',
  topologySpreadConstraints: 'topologyKey',
  resourceClaims: 'name',
  schedulingGates: 'name',
};

/** Lists whose items are one of several kinds: an item keeps only those fields that the patch names too (strategy `retainKeys`). */
const RETAINED = new Set(['volumes']);

type Json = unknown;
type JsonObject = Record<string, Json>;

/** A strategic merge of an operator's template into a generated pod. The arguments are not changed. */
export function mergePod(pod: V1Pod, template: PodTemplate): V1Pod {
  return mergeObject(pod as unknown as JsonObject, template as JsonObject) as unknown as V1Pod;
}

const isObject = (value: Json): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `null` removes a field; `$patch: replace` replaces an object, `$patch: delete` empties it. */
function mergeObject(base: JsonObject, patch: JsonObject): JsonObject {
  if (patch['$patch'] === 'replace') return without(patch, '$patch');
  if (patch['$patch'] === 'delete') return {};
  const merged: JsonObject = { ...base };
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith('$')) continue;
    if (value === null) delete merged[key];
    else if (isObject(value)) merged[key] = mergeObject(isObject(merged[key]) ? merged[key] : {}, value);
    else if (Array.isArray(value)) merged[key] = mergeList(key, Array.isArray(merged[key]) ? merged[key] : [], value);
    else merged[key] = value;
  }
  return merged;
}

function mergeList(name: string, base: readonly Json[], patch: readonly Json[]): Json[] {
  const mergeKey = MERGE_KEYS[name];
  if (mergeKey === undefined || patch.some((item) => !isObject(item))) return [...patch];
  const items = patch as readonly JsonObject[];
  if (items.some((item) => item['$patch'] === 'replace' && item[mergeKey] === undefined)) {
    return items.filter((item) => item['$patch'] === undefined);
  }
  const merged = [...base];
  for (const item of items) {
    const at = merged.findIndex((known) => isObject(known) && known[mergeKey] === item[mergeKey]);
    if (item['$patch'] === 'delete') {
      if (at !== -1) merged.splice(at, 1);
    } else if (at === -1) merged.push(mergeObject({}, item));
    else {
      const known = merged[at] as JsonObject;
      const kept = Object.entries(known).filter(([key]) => !RETAINED.has(name) || key in item);
      merged[at] = mergeObject(Object.fromEntries(kept), item);
    }
  }
  return merged;
}

function without(object: JsonObject, key: string): JsonObject {
  const { [key]: _, ...rest } = object;
  return rest;
}
