import type { k8s } from 'cdk8s-plus-28';
import { and, release } from '../nodes/build.ts';
import { spread, when } from '../nodes/tree.ts';
import { namespaceOfSessions, hasSessionNamespace } from './agent-env.ts';
import type { AgentValues } from './agent-view.ts';
import { type Base, WAVES } from './base.ts';
import { serviceAccountName } from './pod.ts';
import { type ReleaseObject, resource } from './resource.ts';

const COMPONENT = 'k8s-agent';
const RBAC = 'rbac.authorization.k8s.io';

/** The agent's ServiceAccount and its Roles: sessions in their namespace, the election in the release's. Nothing is cluster-wide. */
export function agentRbac(base: Base, view: AgentValues): ReleaseObject[] {
  const account = serviceAccountName(base, COMPONENT, view.serviceAccount);
  const { rbac, ha } = view;
  const meta = (suffix: string, namespace: typeof release.namespace) =>
    base.meta(base.object(suffix), { component: COMPONENT, wave: WAVES.settings, namespace });
  const binding = (file: string, only: typeof view.enabled, suffix: string, namespace: typeof release.namespace) =>
    resource<k8s.KubeRoleBindingProps>(file, only, `${RBAC}/v1`, 'RoleBinding', {
      metadata: meta(suffix, namespace),
      roleRef: { apiGroup: RBAC, kind: 'Role', name: base.object(suffix) },
      subjects: [{ kind: 'ServiceAccount', name: account, namespace: release.namespace }],
    });
  const sessions = namespaceOfSessions(view);
  const sessionsOnly = and(view.enabled, rbac.create);
  const electionOnly = and(sessionsOnly, ha.enabled);

  return [
    resource<k8s.KubeServiceAccountProps>(
      'agent/serviceaccount.yaml',
      and(view.enabled, view.serviceAccount.create),
      'v1',
      'ServiceAccount',
      {
        metadata: base.meta(account, {
          component: COMPONENT,
          wave: WAVES.settings,
          annotations: [view.serviceAccount.annotations],
          labels: view.serviceAccount.labels,
        }),
        automountServiceAccountToken: false,
      },
    ),
    resource<k8s.KubeRoleProps>('agent/role-sessions.yaml', sessionsOnly, `${RBAC}/v1`, 'Role', {
      metadata: meta('k8s-agent', sessions),
      rules: [
        {
          apiGroups: [''],
          resources: ['pods', 'services', 'persistentvolumeclaims'],
          verbs: ['get', 'list', 'watch', 'create', 'delete', 'patch'],
        },
        // limits of the agent's capacity, and reasons why a pod does not start
        { apiGroups: [''], resources: ['resourcequotas'], verbs: ['get', 'list'] },
        { apiGroups: [''], resources: ['events'], verbs: ['get', 'list', 'watch'] },
        { apiGroups: [''], resources: ['pods/log'], verbs: ['get', 'list'] },
        { apiGroups: [''], resources: ['pods/portforward'], verbs: ['get', 'create'] },
        when(rbac.configMaps, { apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'list', 'watch'] }),
        when(rbac.secrets, { apiGroups: [''], resources: ['secrets'], verbs: ['get', 'list', 'watch'] }),
        spread(rbac.extraRules),
      ],
    }),
    binding('agent/role-sessions.yaml', sessionsOnly, 'k8s-agent', sessions),
    resource<k8s.KubeRoleProps>('agent/role-election.yaml', electionOnly, `${RBAC}/v1`, 'Role', {
      metadata: meta('k8s-agent-election', release.namespace),
      rules: [
        {
          apiGroups: ['coordination.k8s.io'],
          resources: ['leases'],
          verbs: ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'],
        },
        // whether the leader's container still runs, if it is not in the sessions' namespace
        when(hasSessionNamespace(view), { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] }),
        // the Lease's owner is the Deployment
        { apiGroups: ['apps'], resources: ['deployments', 'replicasets'], verbs: ['get'] },
        { apiGroups: ['', 'events.k8s.io'], resources: ['events'], verbs: ['create', 'patch'] },
      ],
    }),
    binding('agent/role-election.yaml', electionOnly, 'k8s-agent-election', release.namespace),
  ];
}
