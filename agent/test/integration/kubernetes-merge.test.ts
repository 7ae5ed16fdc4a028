import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { V1Pod } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { mergePod } from '../../src/sessions/kubernetes/objects/merge.ts';
import type { PodTemplate } from '../../src/sessions/kubernetes/objects/settings.ts';

const missing =
  spawnSync('kubectl', ['version', '--client'], { stdio: 'ignore' }).status === 0
    ? undefined
    : 'kubectl is not on PATH';
const golden = join(import.meta.dirname, '../unit/kubernetes-golden');
const read = (path: string): unknown => parse(readFileSync(join(golden, path), 'utf8'));

/** Lists that are merged by a key have no order that means anything. */
const ordered = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map((item) => JSON.stringify(ordered(item))).sort();
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, item]) => [key, ordered(item)] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
};

const patches: [string, PodTemplate][] = [
  ['the golden template', read('template/template.yaml') as PodTemplate],
  [
    'new items and changed ones',
    {
      spec: {
        containers: [
          { name: 'session', image: 'x', ports: [{ containerPort: 1 }, { containerPort: 5900, name: 'screen' }] },
        ],
        imagePullSecrets: [{ name: 'a' }],
      },
    },
  ],
  [
    'removals',
    {
      spec: {
        securityContext: null,
        containers: [{ name: 'session', env: [{ name: 'HOME', $patch: 'delete' }], startupProbe: null }],
      },
    },
  ],
  [
    'replaced lists',
    {
      spec: {
        containers: [
          { name: 'session', env: [{ $patch: 'replace' }, { name: 'ONLY', value: '1' }], command: ['a', 'b'] },
        ],
      },
    },
  ],
];

describe.skipIf(missing !== undefined)(
  `a pod template is merged as kubectl patch does it${missing ? `: ${missing}` : ''}`,
  () => {
    const bases = readdirSync(golden).filter((name) => name !== 'template');
    it.for(bases.flatMap((base) => patches.map(([name, patch]) => [base, name, patch] as const)))(
      '%s, %s',
      ([base, , patch]) => {
        const pod = read(`${base}/pod.yaml`) as V1Pod;
        const args = ['patch', '--local', '-f', '-', '--type=strategic', '-o', 'json', '-p', JSON.stringify(patch)];
        const { stdout, stderr, status } = spawnSync('kubectl', args, { input: JSON.stringify(pod), encoding: 'utf8' });
        expect(stderr + String(status)).toBe('0');
        const theirs = JSON.parse(stdout) as V1Pod;
        expect(ordered(mergePod(pod, patch))).toEqual(ordered(theirs));
      },
    );
  },
);
