import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { streamspace } from '../../src/charts/streamspace.ts';
import { HUB_METRICS_PORT } from '../../src/objects/api-env.ts';
import { type RenderedObject, objectsOf } from '../../src/render/synth.ts';
import { coalesceValues } from '../../src/values/tree.ts';
import { BASES, RELEASE } from '../support/bases.ts';

const folder = fileURLToPath(new URL('../../../test-values/', import.meta.url));
const CASES = readdirSync(folder).filter(
  (name) => name.endsWith('.yaml') && !['agent-only.yaml', 'multi-tenant.yaml'].includes(name),
);
/** All that can lead from outside of the cluster, or from one of its pods by name, to the hub. */
const EVERYTHING = coalesceValues(BASES['streamspace'], {
  api: {
    ingress: { enabled: true, hosts: ['desktops.example.com'] },
    httpRoute: { enabled: true, hostnames: ['desktops.example.com'], parentRefs: [{ name: 'gateway' }] },
    service: { type: 'LoadBalancer' },
  },
  observability: { serviceMonitor: { enabled: true } },
});
const render = (values: unknown): RenderedObject[] => objectsOf(streamspace(), RELEASE, values);
const text = (objects: RenderedObject[], ...kinds: string[]) =>
  JSON.stringify(objects.filter(({ kind }) => kinds.includes(kind)));
const component = ({ metadata }: RenderedObject) =>
  (metadata.labels as Record<string, string> | undefined)?.['app.kubernetes.io/component'];

describe('S12 the port of the hub’s /metrics and /internal', () => {
  it.each([
    ['all ways in', EVERYTHING] as const,
    ...CASES.map((name) => [name, parse(readFileSync(folder + name, 'utf8'))] as const),
  ])('no Service, Ingress or HTTPRoute has it: %s', (_name, values) => {
    const hub = render(values).filter((object) => component(object) === 'api');
    const ways = text(hub, 'Service', 'Ingress', 'HTTPRoute');
    expect(ways).toContain('"http"');
    expect(ways).not.toContain(`${HUB_METRICS_PORT}`);
    expect(ways).not.toContain('"metrics"');
    expect(text(hub, 'Deployment')).toContain(`{"name":"METRICS_PORT","value":"${HUB_METRICS_PORT}"}`);
    expect(text(hub, 'Deployment')).toContain(`{"name":"metrics","containerPort":${HUB_METRICS_PORT}}`);
  });

  it('the ServiceMonitor scrapes it; probes stay with the other one', () => {
    const objects = render(EVERYTHING);
    expect(text(objects, 'ServiceMonitor')).toContain('"targetPort":"metrics"');
    const deployment = text(
      objects.filter((object) => component(object) === 'api'),
      'Deployment',
    );
    const probes = [...deployment.matchAll(/"(?:httpGet|tcpSocket)":\{[^}]*"port":"(\w+)"/g)].map(([, port]) => port);
    expect(probes).toEqual(['http', 'http', 'http']);
  });
});
