import type { k8s } from 'cdk8s-plus-28';
import { merge } from '../nodes/build.ts';
import { type Expr, lift } from '../nodes/expression.ts';
import { entries, spread } from '../nodes/tree.ts';
import type { Base, Component } from './base.ts';
import { type ReleaseObject, resource } from './resource.ts';

/** Annotations that keep a namespace after its release is deleted: it holds the users' homes. */
const KEPT = {
  'helm.sh/resource-policy': 'keep',
  'argocd.argoproj.io/sync-options': 'Prune=false,Delete=false',
};

/** A namespace that a release makes before the objects in it, and does not delete. */
export function namespaceObject(
  base: Base,
  options: {
    file: string;
    only: Expr<boolean>;
    name: Expr<string>;
    podSecurity: Expr<string>;
    wave: number;
    component?: Component;
  },
): ReleaseObject {
  const { file, only, name, podSecurity, wave, component } = options;
  const { commonLabels, commonAnnotations } = base.shared;
  return resource<k8s.KubeNamespaceProps>(file, only, 'v1', 'Namespace', {
    metadata: {
      name,
      labels: entries<Record<string, string>>(
        base.labels(component),
        {
          'pod-security.kubernetes.io/enforce': podSecurity,
          'pod-security.kubernetes.io/warn': podSecurity,
          'pod-security.kubernetes.io/audit': podSecurity,
        },
        spread(commonLabels),
      ),
      annotations: entries<Record<string, string>>(
        spread(merge<string>(lift(KEPT), commonAnnotations, base.order(wave))),
      ),
    },
  });
}
