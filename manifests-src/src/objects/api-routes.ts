import type { k8s } from 'cdk8s-plus-28';
import { and, choose, eq, find, given, orElse, replace, trimSuffix } from '../nodes/build.ts';
import type { Expr } from '../nodes/expression.ts';
import { each, spread, when } from '../nodes/tree.ts';
import type { Refs } from '../values/refs.ts';
import type { StreamspaceValues } from '../values/streamspace.ts';
import { type Base, WAVES } from './base.ts';
import { custom, type ReleaseObject, resource } from './resource.ts';

/** The path of publicUrl, under which the hub is served; empty: none. */
export const pathOfHub = ({ publicUrl }: Refs<StreamspaceValues>['api']['config']): Expr<string> =>
  trimSuffix(find(replace(replace(publicUrl, 'https://', ''), 'http://', ''), '/.*'), '/');

/** Routes to the hub from outside of the cluster. */
export function apiRoutes(base: Base, v: Refs<StreamspaceValues>): ReleaseObject[] {
  const { ingress, httpRoute, service, enabled } = v.api;
  const name = base.object('api');
  const path = orElse(pathOfHub(v.api.config), '/');
  const meta = ({ annotations, labels }: Pick<typeof ingress, 'annotations' | 'labels'>) =>
    base.meta(name, { component: 'api', wave: WAVES.rest, annotations: [annotations], labels });
  return [
    resource<k8s.KubeIngressProps>(
      'api/ingress.yaml',
      and(enabled, ingress.enabled),
      'networking.k8s.io/v1',
      'Ingress',
      {
        metadata: meta(ingress),
        spec: {
          ingressClassName: when(given(ingress.className), ingress.className),
          tls: when(
            given(ingress.tls),
            ingress.tls,
            when(given(ingress.tlsSecret), [{ secretName: ingress.tlsSecret, hosts: ingress.hosts as never }]),
          ) as never,
          rules: [
            each(ingress.hosts, 'host', (host) => ({
              host: host.as('string'),
              http: {
                paths: [
                  spread(ingress.extraPaths),
                  {
                    path: choose(eq(ingress.path, '/'), path, ingress.path),
                    pathType: 'Prefix',
                    backend: { service: { name, port: { name: 'http' } } },
                  },
                ],
              },
            })),
          ],
        },
      },
    ),
    custom('api/httproute.yaml', and(enabled, httpRoute.enabled), 'gateway.networking.k8s.io/v1', 'HTTPRoute', {
      metadata: meta(httpRoute),
      spec: {
        parentRefs: httpRoute.parentRefs,
        hostnames: when(given(httpRoute.hostnames), httpRoute.hostnames),
        rules: [
          {
            matches: [{ path: { type: 'PathPrefix', value: path } }],
            backendRefs: [{ name, port: service.port }],
            timeouts: {
              request: when(given(httpRoute.timeouts.request), httpRoute.timeouts.request),
              backendRequest: when(given(httpRoute.timeouts.backendRequest), httpRoute.timeouts.backendRequest),
            },
          },
        ],
      },
    }),
  ];
}
