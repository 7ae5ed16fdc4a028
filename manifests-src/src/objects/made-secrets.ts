import type { k8s } from 'cdk8s-plus-28';
import { and, choose, concat, contains, given, missing, release } from '../nodes/build.ts';
import type { Expr } from '../nodes/expression.ts';
import { named } from '../nodes/helper.ts';
import { type EntryMap, entries, when } from '../nodes/tree.ts';
import type { Refs } from '../values/refs.ts';
import type { StreamspaceValues } from '../values/streamspace.ts';
import { type Base, WAVES } from './base.ts';
import { API_TOKEN_MOUNT, containerSecurity, serviceAccountName } from './pod.ts';
import { type ReleaseObject, resource } from './resource.ts';

type Values = Refs<StreamspaceValues>;
const RBAC = 'rbac.authorization.k8s.io';

/** Secrets that the hub needs and the user did not give: rendered without data, which the hub adds when it starts. */
export function madeSecrets(base: Base, v: Values) {
  const { auth, peers } = v.api;
  const { enrolment } = v;
  const nobody = (existing: Expr<string>, value: Expr<string>) => and(v.api.enabled, missing(existing), missing(value));
  const kinds = {
    JWT_SECRET: {
      suffix: 'api-auth',
      key: 'jwt-secret',
      wanted: and(missing(auth.jwksUrl), nobody(auth.existingSecret.name, auth.secret)),
    },
    // derived from the tokens' secret, if there is one
    HUB_PEER_SECRET: {
      suffix: 'api-peers',
      key: 'peer-secret',
      wanted: and(given(auth.jwksUrl), nobody(peers.existingSecret.name, peers.secret)),
    },
    ENROLMENT_TOKEN: {
      suffix: 'enrolment',
      key: 'token',
      wanted: nobody(enrolment.existingSecret.name, enrolment.token),
    },
  };
  const settings = named(
    'madeSecrets',
    'Settings of the hub whose Secrets nobody gave: it makes them itself.',
    concat(...Object.entries(kinds).map(([setting, { wanted }]) => choose(wanted, `${setting},`, ''))),
  );
  const only = (setting: keyof typeof kinds) => contains(settings, setting);
  return {
    any: given(settings),
    only,
    /** The Secret to make for each setting. */
    all: Object.entries(kinds).map(([setting, { suffix, key }]) => ({
      setting,
      name: base.object(suffix),
      key,
      only: only(setting as keyof typeof kinds),
    })),
  };
}

/** The right to read and fill these Secrets and no other. */
export function madeSecretsRbac(base: Base, v: Values): ReleaseObject[] {
  const made = madeSecrets(base, v);
  const file = 'api/role-secrets.yaml';
  const metadata = base.meta(base.object('api-secrets'), { component: 'api', wave: WAVES.settings });
  return [
    resource<k8s.KubeRoleProps>(file, made.any, `${RBAC}/v1`, 'Role', {
      metadata,
      rules: [
        {
          apiGroups: [''],
          resources: ['secrets'],
          resourceNames: made.all.map(({ name, only }) => when(only, name)),
          verbs: ['get', 'patch'],
        },
      ],
    }),
    resource<k8s.KubeRoleBindingProps>(file, made.any, `${RBAC}/v1`, 'RoleBinding', {
      metadata,
      roleRef: { apiGroup: RBAC, kind: 'Role', name: base.object('api-secrets') },
      subjects: [
        {
          kind: 'ServiceAccount',
          name: serviceAccountName(base, 'api', v.api.serviceAccount),
          namespace: release.namespace,
        },
      ],
    }),
  ];
}

/** Fills them before the hub starts. It alone mounts the ServiceAccount's token: the serving container has no rights in the cluster. */
export const secretsMaker = (base: Base, v: Values): EntryMap<k8s.Container> =>
  entries<k8s.Container>({
    name: 'secrets',
    image: base.image('api', v.api.image),
    imagePullPolicy: v.api.image.pullPolicy,
    command: ['node', 'dist/hub.js', 'secrets'],
    args: madeSecrets(base, v).all.map(({ setting, name, key, only }) =>
      when(only, concat(`${setting}=`, name, `/${key}`)),
    ),
    // `kubectl describe pod` shows the failed wait
    terminationMessagePolicy: 'FallbackToLogsOnError',
    resources: when(given(v.api.resources), v.api.resources),
    securityContext: containerSecurity(v.api.advanced),
    volumeMounts: [{ name: 'kube-api-access', mountPath: API_TOKEN_MOUNT, readOnly: true }],
  });
