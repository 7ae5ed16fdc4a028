import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { AGENT, HUB } from '@streamspace/settings';
import { SOURCES } from '../../src/charts/sources.ts';
import { casesIn } from '../../src/render/cases.ts';
import { type RenderedObject, objectsOf } from '../../src/render/synth.ts';
import { leavesOf } from '../../src/values/tree.ts';
import { otherThanDefault } from '../support/arbitrary.ts';
import { BASES, RELEASE } from '../support/bases.ts';
import { repaired } from '../support/valid.ts';

interface Variable {
  readonly name: string;
  readonly value?: string;
}

/** What Kubernetes itself, or Node, reads: not the programs' own. */
const FOREIGN = ['NODE_EXTRA_CA_CERTS', 'NODE_OPTIONS', 'LOG_DIRECTORY', 'REDIS_PASSWORD', 'POD_IP', 'POD_NAMESPACE'];
/** Documented, and deliberately not set by a chart. */
const LEFT_ALONE: Record<string, string> = {
  KUBECONFIG: 'the agent is in the cluster',
  AGENT_TOKEN: 'the token is mounted as a file, so that it can be replaced without a restart',
  SESSION_ISOLATION: 'of the process platform only',
  DOCKER_HOST: 'of the docker platform only',
  DOCKER_CERT_PATH: 'of the docker platform only',
  DOCKER_CONFIG: 'of the docker platform only',
  SESSION_NETWORK: 'of the docker platform only',
  SESSION_RUNTIME: 'of the docker platform only',
  DOCKER_MODE: 'of the docker platform only',
  SESSION_HOME_DRIVER: 'of the docker platform only',
  SESSION_HOME_OPTIONS: 'of the docker platform only',
  SESSION_GPUS: 'of the docker platform only',
  SESSION_ALLOW: 'of the docker platform only',
  RESERVED_CPU: 'of the docker platform only',
  RESERVED_MEMORY: 'of the docker platform only',
  LISTEN_HOST: 'probes and scrapes come to the pod’s address',
  CONSOLE_DIR: 'the image has its page beside the program',
};

const envOf = (objects: readonly RenderedObject[], container: string): Variable[] =>
  objects
    .filter(({ kind }) => kind === 'Deployment')
    .flatMap(
      (object) =>
        (object as unknown as { spec: { template: { spec: { containers: { name: string; env: Variable[] }[] } } } })
          .spec.template.spec.containers,
    )
    .filter(({ name }) => name === container)
    .flatMap(({ env }) => env);

/** Renders in which every value is set once, each as far as the others allow. */
const renders = SOURCES.flatMap((source) =>
  leavesOf(source.schema).map((leaf) => {
    const values = repaired(source, RELEASE, BASES[source.name], [[leaf.path, otherThanDefault(leaf)]]);
    return objectsOf(source, RELEASE, values);
  }),
);
const together = SOURCES.map((source) => {
  const all = leavesOf(source.schema).map((leaf) => [leaf.path, otherThanDefault(leaf)] as const);
  return objectsOf(source, RELEASE, repaired(source, RELEASE, BASES[source.name], all));
});
const examples = casesIn(fileURLToPath(new URL('../../../test-values', import.meta.url))).map((each) =>
  objectsOf(each.source, RELEASE, each.values),
);
const all = [...renders, ...together, ...examples];
const names = (container: string) =>
  new Set(all.flatMap((objects) => envOf(objects, container).map(({ name }) => name)));

describe.each([
  ['agent', Object.values(AGENT).map(({ name }) => name)],
  ['api', Object.values(HUB).map(({ name }) => name)],
] as const)('environment of the %s', (container, documented) => {
  it('failure 16: is read by the program, every variable of it', () => {
    expect([...names(container)].filter((name) => !documented.includes(name) && !FOREIGN.includes(name))).toEqual([]);
  });

  it('failure 16: reaches every variable that the program documents', () => {
    const set = names(container);
    expect(documented.filter((name) => !set.has(name) && !(name in LEFT_ALONE))).toEqual([]);
  });
});

describe('defaults of the charts', () => {
  const defaults = SOURCES.flatMap((source) => envOf(objectsOf(source, RELEASE, BASES[source.name]), 'agent'));
  /** Where a chart knows better than the program. */
  const BETTER = ['STATE_DIR', 'NAMESPACE', 'AGENT_ID', 'CONTROL_PLANE_URL', 'AGENT_TOKEN_FILE'];

  it('are the agent’s own', () => {
    for (const { name, value } of defaults) {
      const setting = Object.values(AGENT).find((each) => each.name === name);
      if (setting === undefined || value === undefined || BETTER.includes(name)) continue;
      expect([name, value]).toEqual([name, setting.default]);
    }
  });

  it('are what the agent takes', () => {
    for (const { name, value } of all.flatMap((objects) => envOf(objects, 'agent'))) {
      const setting = Object.values(AGENT).find((each) => each.name === name);
      if (setting === undefined || value === undefined || value.includes('$(')) continue;
      expect((setting.kind.parse as (text: string) => unknown)(value), `${name}=${value}`).toBeDefined();
    }
  });

  it('are what the api takes', () => {
    for (const { name, value } of all.flatMap((objects) => envOf(objects, 'api'))) {
      const setting = Object.values(HUB).find((each) => each.name === name);
      if (setting === undefined || value === undefined || value.includes('$(')) continue;
      expect((setting.kind.parse as (text: string) => unknown)(value), `${name}=${value}`).toBeDefined();
    }
  });
});
