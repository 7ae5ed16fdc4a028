import type { k8s } from 'cdk8s-plus-28';
import { and, given } from '../nodes/build.ts';
import { each, when } from '../nodes/tree.ts';
import type { Refs } from '../values/refs.ts';
import type { StreamspaceValues } from '../values/streamspace.ts';
import { type Base, WAVES } from './base.ts';
import { custom, type Resource, resource } from './resource.ts';

/** Ways into the hub from outside of the cluster. */
export function apiRoutes(base: Base, v: Refs<StreamspaceValues>): Resource[] {
  const { ingress, httpRoute, service, enabled } = v.api;
  const name = base.object('api');
  const meta = (annotations: typeof ingress.annotations) =>
    base.meta(name, { component: 'api', wave: WAVES.rest, annotations: [annotations] });
  return [
    resource<k8s.KubeIngressProps>(
      'api/ingress.yaml',
      and(enabled, ingress.enabled),
      'networking.k8s.io/v1',
      'Ingress',
      {
        metadata: meta(ingress.annotations),
        spec: {
          ingressClassName: when(given(ingress.className), ingress.className),
          tls: when(given(ingress.tlsSecret), [{ secretName: ingress.tlsSecret, hosts: ingress.hosts as never }]),
          rules: [
            each(ingress.hosts, 'host', (host) => ({
              host: host.as('string'),
              http: {
                paths: [
                  { path: ingress.path, pathType: 'Prefix', backend: { service: { name, port: { name: 'http' } } } },
                ],
              },
            })),
          ],
        },
      },
    ),
    custom('api/httproute.yaml', and(enabled, httpRoute.enabled), 'gateway.networking.k8s.io/v1', 'HTTPRoute', {
      metadata: meta(httpRoute.annotations),
      spec: {
        parentRefs: httpRoute.parentRefs,
        hostnames: when(given(httpRoute.hostnames), httpRoute.hostnames),
        rules: [
          {
            matches: [{ path: { type: 'PathPrefix', value: '/' } }],
            backendRefs: [{ name, port: service.port }],
          },
        ],
      },
    }),
  ];
}
