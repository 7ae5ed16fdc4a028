import type { k8s } from 'cdk8s-plus-28';
import { and, choose, concat, eq, given, gt, hasKey, join, missing, not, or, sha256 } from '../nodes/build.ts';
import type { Expr } from '../nodes/expression.ts';
import { nodeOf } from '../nodes/presence.ts';
import { each, type EntryMap, entries, type Part, spread, type Tree, type When, when } from '../nodes/tree.ts';
import type { Refs } from '../values/refs.ts';
import type { StreamspaceValues } from '../values/streamspace.ts';
import type { Base, Component } from './base.ts';

type Api = Refs<StreamspaceValues['api']>;
/** Values that every workload of ours has. */
export type Workload = Pick<
  Api,
  | 'image'
  | 'resources'
  | 'probes'
  | 'logFile'
  | 'terminationGracePeriodSeconds'
  | 'podLabels'
  | 'podAnnotations'
  | 'annotations'
  | 'extraEnv'
  | 'extraEnvFrom'
  | 'extraVolumes'
  | 'extraVolumeMounts'
  | 'sidecars'
  | 'initContainers'
  | 'serviceAccount'
  | 'pdb'
  | 'nodeSelector'
  | 'tolerations'
  | 'affinity'
  | 'podAntiAffinity'
  | 'topologySpread'
  | 'priorityClassName'
  | 'runAsUser'
  | 'strategy'
  | 'advanced'
>;

/** Requirements of Pod Security `restricted` for a container, and a read-only root. */
export const HARDENED: Tree<k8s.SecurityContext> = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
};

/** Our context, except the keys that the user set. */
const beneath = <T>(own: Expr<object>, ours: object): EntryMap<T> =>
  entries<T>(
    spread(own),
    ...Object.entries(ours).map(([key, value]) => when(not(hasKey(own, key)), { [key]: value as unknown })),
  );

type Advanced = Workload['advanced'];
export const containerSecurity = (advanced: Advanced) =>
  beneath<k8s.SecurityContext>(advanced.securityContext, HARDENED as object);
export const ownPodSecurity = (user: Expr<number>, advanced: Advanced) =>
  beneath<k8s.PodSecurityContext>(advanced.podSecurityContext, podSecurity(user) as object);

/** Rarely set keys of a pod's spec. */
export const advancedPod = (advanced: Advanced): Part<k8s.PodSpec> => ({
  hostAliases: when(given(advanced.hostAliases), advanced.hostAliases),
  dnsPolicy: when(given(advanced.dnsPolicy), advanced.dnsPolicy),
  dnsConfig: when(given(advanced.dnsConfig), advanced.dnsConfig),
  runtimeClassName: when(given(advanced.runtimeClassName), advanced.runtimeClassName),
});

export const podSecurity = (user: Expr<number>): Tree<k8s.PodSecurityContext> => ({
  runAsNonRoot: true,
  runAsUser: when(gt(user, 0), user),
  runAsGroup: when(gt(user, 0), user),
  fsGroup: when(gt(user, 0), user),
  fsGroupChangePolicy: 'OnRootMismatch',
  seccompProfile: { type: 'RuntimeDefault' },
});

type Timing = Refs<StreamspaceValues['api']['probes']['liveness']>;
export const timed = (timing: Timing) => ({
  initialDelaySeconds: when(gt(timing.initialDelaySeconds, 0), timing.initialDelaySeconds),
  periodSeconds: timing.periodSeconds,
  timeoutSeconds: timing.timeoutSeconds,
  failureThreshold: timing.failureThreshold,
});
export const httpProbe = (path: string, port: string, timing: Timing): Tree<k8s.Probe> => ({
  httpGet: { path, port },
  ...timed(timing),
});

/**
 * The release's namespace as the kubelet knows it, for the variables and arguments after this one: a tool that moves objects to another
 * namespace (Kustomize) does not change texts.
 */
export const POD_NAMESPACE = {
  env: { name: 'POD_NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
  text: '$(POD_NAMESPACE)',
} as const;

/** Keys of a pod's spec for its placement, for pods of a Deployment. */
export function placement(base: Base, component: Component, w: Workload): Part<k8s.PodSpec> {
  const selector = { matchLabels: base.selector(component) };
  const { podAntiAffinity: apart, topologySpread: spreading } = w;
  const own = w.advanced.topologySpreadConstraints;
  const term = { topologyKey: apart.topologyKey, labelSelector: selector };
  const required = eq(apart.type, 'required');
  const preferred = and(missing(w.affinity), apart.enabled, eq(apart.type, 'preferred'));
  // Kubernetes allows one of each kind
  const same = and(
    spreading.enabled,
    eq(spreading.topologyKey, apart.topologyKey),
    eq(spreading.whenUnsatisfiable, 'ScheduleAnyway'),
  );
  // among pods of one template: counted together with those that a rollout is about to remove, new ones may end on one node
  const among = { labelSelector: selector, matchLabelKeys: ['pod-template-hash'] };
  return {
    nodeSelector: when(given(w.nodeSelector), w.nodeSelector),
    tolerations: when(given(w.tolerations), w.tolerations),
    affinity: when(
      given(w.affinity),
      w.affinity,
      when(and(apart.enabled, or(required, given(own))), {
        podAntiAffinity: when(
          required,
          { requiredDuringSchedulingIgnoredDuringExecution: [term] },
          { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm: term }] },
        ),
      }),
    ),
    topologySpreadConstraints: when(
      given(own),
      own,
      when(or(preferred, spreading.enabled), [
        when(and(preferred, not(same)), {
          maxSkew: 1,
          topologyKey: apart.topologyKey,
          whenUnsatisfiable: 'ScheduleAnyway',
          ...among,
        }),
        when(spreading.enabled, {
          maxSkew: spreading.maxSkew,
          topologyKey: spreading.topologyKey,
          whenUnsatisfiable: spreading.whenUnsatisfiable,
          ...among,
        }),
      ]),
    ),
    priorityClassName: when(given(w.priorityClassName), w.priorityClassName),
  };
}

/**
 * Replacement of replicas. By default without a gap: a new one first. If each needs a separate node, a new one may find none, so an old
 * one is removed first.
 */
export function rollout(w: Workload): When<unknown> {
  const apart = and(missing(w.affinity), w.podAntiAffinity.enabled, eq(w.podAntiAffinity.type, 'required'));
  const rolling = (maxSurge: number, maxUnavailable: number) => ({
    type: 'RollingUpdate',
    rollingUpdate: { maxSurge, maxUnavailable },
  });
  return when(given(w.strategy), w.strategy, when(apart, rolling(0, 1), rolling(1, 0)));
}

/** Names of all variables that an environment may have, for any values. */
export function namesOf(env: readonly unknown[]): string[] {
  const names = env.flatMap((item): string[] => {
    const node = nodeOf(item);
    if (node?.kind === 'when') return namesOf([node.yes, node.no]);
    return typeof item === 'object' && item !== null && 'name' in item ? [item.name as string] : [];
  });
  return [...new Set(names)].sort();
}

/** Names of pull secrets, the chart's and those shared with other charts. */
export function imagePullSecrets(base: Base): Tree<k8s.LocalObjectReference[]> {
  const { own, global } = base.pullSecrets;
  return [
    each(own, 'secret', (secret) => ({ name: secret.as('string') })),
    each(global, 'secret', (secret) => ({ name: secret.as('string') })),
  ];
}

/** The same as a comma list. */
export function pullSecretNames(base: Base): Expr<string> {
  const { own, global } = base.pullSecrets;
  const both = and(given(own), given(global));
  return concat(join(own, ','), choose(both, ',', ''), join(global, ','));
}

export const serviceAccountName = (base: Base, suffix: Component, account: Api['serviceAccount']): Expr<string> =>
  choose(given(account.name), account.name, choose(account.create, base.object(suffix), 'default'));

/** Writable folders: /tmp and the program's state. The rest of the root is read-only. */
export const scratch = {
  volume: { name: 'scratch', emptyDir: { sizeLimit: '256Mi' } } satisfies Tree<k8s.Volume>,
  mounts: (state?: string): Tree<k8s.VolumeMount>[] => [
    { name: 'scratch', mountPath: '/tmp', subPath: 'tmp' },
    ...(state === undefined ? [] : [{ name: 'scratch', mountPath: state, subPath: 'state' }]),
  ],
};

export const API_TOKEN_MOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The API server's token: bound to the pod, short-lived, renewed by the kubelet. */
export const apiToken = {
  name: 'kube-api-access',
  projected: {
    sources: [
      { serviceAccountToken: { path: 'token', expirationSeconds: 3600 } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
    ],
  },
} satisfies Tree<k8s.Volume>;

const CA_FOLDER = '/etc/streamspace/ca';
export const CA_FILE = 'ca.crt';

/** The bundle of private authorities, if there is one. */
export function caBundle(base: Base) {
  const { ca } = base.shared;
  const file = concat(
    `${CA_FOLDER}/`,
    choose(or(given(ca.existingConfigMap), given(ca.existingSecret)), ca.key, CA_FILE),
  );
  return {
    file,
    env: when(base.hasCa, { name: 'NODE_EXTRA_CA_CERTS', value: file }),
    volume: when(base.hasCa, {
      name: 'ca',
      secret: when(given(ca.existingSecret), { secretName: ca.existingSecret }),
      configMap: when(missing(ca.existingSecret), {
        name: choose(given(ca.existingConfigMap), ca.existingConfigMap, base.object('ca')),
      }),
    }),
    mount: when(base.hasCa, { name: 'ca', mountPath: CA_FOLDER, readOnly: true }),
  };
}

/** Annotations of pods: the user's, and checksums of data that a program reads only at its start. */
export const podAnnotations = (
  more: Expr<Readonly<Record<string, string>>>,
  checksums: Checksums,
): Tree<Record<string, string>> =>
  entries<Record<string, string>>(
    ...Object.entries(checksums).map(([name, [only, content]]) =>
      when(only, { [`checksum/${name}`]: sha256(content) }),
    ),
    spread(more),
  );

type Checksum = readonly [only: Expr<boolean>, content: Expr<string>];
type Checksums = Readonly<Record<string, Checksum>>;

/** Checksum of the authorities in the chart's ConfigMap. */
export const caChecksum = (base: Base): Checksum => [given(base.shared.ca.pem), base.shared.ca.pem];

/** Checksum of a Secret that the chart makes: a program that reads it as a variable gets a new value only at its next start. */
export const secretChecksum = (existing: Expr<string>, value: Expr<string>): Checksum => [
  and(given(value), not(given(existing))),
  value,
];

/** Log to a file: the program's output goes through `tee`; `exec` leaves the program the signals. */
export function logToFile(w: Workload) {
  const { logFile } = w;
  const mount = { name: 'logs', mountPath: logFile.directory };
  const script = 'mkfifo /tmp/log; tee -a "$LOG_DIRECTORY/streamspace.log" < /tmp/log & exec "$@" > /tmp/log 2>&1';
  return {
    env: when(logFile.enabled, { name: 'LOG_DIRECTORY', value: logFile.directory }),
    command: when(logFile.enabled, ['/bin/sh', '-c', `rm -f /tmp/log; ${script}`, 'streamspace']),
    args: when(logFile.enabled, logFile.command),
    mount: when(logFile.enabled, mount),
    volume: when(logFile.enabled, { name: 'logs', emptyDir: { sizeLimit: logFile.sizeLimit } }),
    sidecar: when(
      and(logFile.enabled, given(logFile.sidecar)),
      entries<k8s.Container>(spread(logFile.sidecar), { volumeMounts: [mount] }),
    ),
  };
}

/** PodDisruptionBudget's spec; one of the two fields. */
export const disruptionOf = (base: Base, component: Component, pdb: Api['pdb']): Tree<k8s.PodDisruptionBudgetSpec> => ({
  minAvailable: when(given(pdb.minAvailable), pdb.minAvailable),
  maxUnavailable: when(
    not(given(pdb.minAvailable)),
    choose<number | string>(given(pdb.maxUnavailable), pdb.maxUnavailable, 1),
  ),
  selector: { matchLabels: base.selector(component) },
  // a pod that is not ready protects nothing: without this it blocks the drain of its node
  unhealthyPodEvictionPolicy: 'AlwaysAllow',
});
