import { readFile } from 'node:fs/promises';
import type { SessionSpec } from '@streamspace/protocol';
import { SESSION_POD } from '@streamspace/settings';
import { ApiError, type KubeClient } from 'kube-client';
import { parse } from 'yaml';
import { ANNOTATIONS, HOME_VOLUME, SESSION_CONTAINER, sessionName } from './objects/names.ts';
import { podFor } from './objects/pod.ts';
import type { PodTemplate, SessionObjectsConfig } from './objects/settings.ts';
import { SettingError } from '../core/setting-error.ts';

const refused = (path: string, problems: readonly string[], cause?: unknown): SettingError =>
  new SettingError(
    'SESSION_POD_TEMPLATE',
    problems.map((problem) => `${path}: ${problem}`),
    { cause },
  );

const RESERVED_LABELS: readonly string[] = SESSION_POD.labels;
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Reads an operator's pod template. Throws {@link SettingError}. */
export async function readPodTemplate(path: string): Promise<PodTemplate> {
  let parsed: unknown;
  try {
    // not by the client library's reader: it silently drops unknown fields
    parsed = parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw refused(path, [`can’t be read as YAML: ${(error as Error).message}`], error);
  }
  const problems = problemsOf(parsed);
  if (problems.length > 0) throw refused(path, problems);
  const { metadata, spec } = parsed as PodTemplate;
  return { ...(metadata !== undefined && { metadata }), ...(spec !== undefined && { spec }) };
}

/** The faults of a template that are detectable without a cluster. */
export function problemsOf(parsed: unknown): string[] {
  if (!isObject(parsed)) return ['takes a Pod: an object with kind, metadata and spec'];
  const problems: string[] = [];
  const { apiVersion, kind, metadata, spec, ...rest } = parsed;
  if (apiVersion !== 'v1' || kind !== 'Pod')
    problems.push(`apiVersion, kind: takes v1 and Pod; given was ${String(apiVersion)}, ${String(kind)}`);
  for (const key of Object.keys(rest)) problems.push(`${key}: not taken; apiVersion, kind, metadata and spec are`);
  if (metadata !== undefined) problems.push(...metadataProblems(metadata));
  if (spec !== undefined && !isObject(spec)) problems.push('spec: takes an object');
  if (isObject(spec)) problems.push(...listProblems(spec));
  return problems;
}

function metadataProblems(metadata: unknown): string[] {
  if (!isObject(metadata)) return ['metadata: takes an object'];
  const { labels, annotations, ...rest } = metadata;
  const problems = Object.keys(rest).map((key) => `metadata.${key}: not taken; labels and annotations are`);
  for (const [field, map] of Object.entries({ labels, annotations })) {
    if (map === undefined) continue;
    if (!isObject(map) || Object.values(map).some((value) => typeof value !== 'string')) {
      problems.push(`metadata.${field}: takes texts by name (quote numbers and true)`);
      continue;
    }
    for (const key of Object.keys(map)) {
      const ours =
        field === 'labels' ? RESERVED_LABELS.includes(key) : (Object.values(ANNOTATIONS) as string[]).includes(key);
      if (ours) problems.push(`metadata.${field}.${key}: is set by the agent`);
    }
  }
  return problems;
}

function listProblems(spec: Record<string, unknown>): string[] {
  const problems: string[] = [];
  for (const list of ['containers', 'initContainers', 'volumes']) {
    const items = spec[list];
    if (items === undefined || items === null) continue;
    if (!Array.isArray(items)) {
      problems.push(`spec.${list}: takes a list`);
      continue;
    }
    items.forEach((item: unknown, index) => {
      if (!isObject(item) || typeof item['name'] !== 'string') {
        problems.push(`spec.${list}[${index}].name: required; items are merged by it`);
      } else if (list === 'volumes' && item['name'] === HOME_VOLUME) {
        problems.push(`spec.volumes[${index}]: ${HOME_VOLUME} is the user's home; choose another name`);
      } else if (item['name'] === SESSION_CONTAINER && item['$patch'] !== undefined) {
        problems.push(
          `spec.${list}[${index}].$patch: the container ${SESSION_CONTAINER} is the session; it can be changed only`,
        );
      } else if (list !== 'volumes' && item['name'] !== SESSION_CONTAINER && item['image'] === undefined) {
        problems.push(
          `spec.${list}[${index}].image: required; only the container ${SESSION_CONTAINER} has one already`,
        );
      }
    });
  }
  return problems;
}

/** A sample session for the API server's check. */
const SAMPLE: SessionSpec = {
  id: 'template-check',
  user: 'nobody',
  template: 'desktop',
  name: '',
  cpu: 0.1,
  memory: 64 * 1024 ** 2,
  storage: 1024 ** 3,
  image: '',
  env: {},
  created_at: '2026-01-01T00:00:00.000Z',
};

/** Lets the API server check a pod made with the template, in a dry run. Throws {@link SettingError}. */
export async function checkPodTemplate(
  client: KubeClient,
  config: SessionObjectsConfig,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const pod = podFor(
    {
      spec: SAMPLE,
      commandId: 'check',
      term: 0,
      pod: sessionName(SAMPLE.id),
      uid: '00000000-0000-0000-0000-000000000000',
    },
    config,
  );
  delete pod.metadata!.ownerReferences;
  try {
    await client.create('pods', pod, signal, { dryRun: 'All', fieldValidation: 'Strict' });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    // not the template's fault
    if (
      /exceeded quota/.test(error.message) ||
      error.status === 401 ||
      error.status === 404 ||
      error.reason === 'AlreadyExists'
    )
      return;
    throw refused(path, [error.message], error);
  }
}
