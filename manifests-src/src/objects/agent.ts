import type { k8s } from 'cdk8s-plus-28';
import { and, given, gt, json, merge, or } from '../nodes/build.ts';
import { lift } from '../nodes/expression.ts';
import { type EntryMap, entries, spread, when } from '../nodes/tree.ts';
import {
  agentEnv,
  HEALTH_PORT,
  leaseName,
  SESSION_FOLDER,
  namespaceOfSessions,
  hasSessionNamespace,
  STATE_DIR,
  TOKEN_FOLDER,
} from './agent-env.ts';
import type { AgentValues } from './agent-view.ts';
import { type Base, WAVES } from './base.ts';
import {
  advancedPod,
  API_TOKEN_MOUNT,
  apiToken,
  caBundle,
  caChecksum,
  containerSecurity,
  disruptionOf,
  httpProbe,
  logToFile,
  ownPodSecurity,
  placement,
  podAnnotations,
  imagePullSecrets,
  rollout,
  scratch,
  serviceAccountName,
} from './pod.ts';
import { namespaceObject } from './namespace.ts';
import { enrolmentSecret } from './secrets.ts';
import { type ReleaseObject, resource } from './resource.ts';

const COMPONENT = 'k8s-agent';

/** Deployment, Service, disruption budget and settings of the agent. */
export function agent(base: Base, view: AgentValues): ReleaseObject[] {
  const name = base.object(COMPONENT);
  const { config, ha, metrics } = view;
  const hasTemplate = given(config.session.podTemplate);
  // apiVersion and kind of the template’s file
  const template = merge<unknown>(lift({ apiVersion: 'v1', kind: 'Pod' }), config.session.podTemplate);
  const hasPool = given(config.session.warmPool);
  const hasFiles = or(hasTemplate, hasPool);
  const logs = logToFile(view);
  const ca = caBundle(base);
  const secret = enrolmentSecret(base);

  const container: EntryMap<k8s.Container> = entries<k8s.Container>({
    name: 'agent',
    image: base.image(COMPONENT, view.image),
    imagePullPolicy: view.image.pullPolicy,
    command: logs.command,
    args: logs.args,
    env: [...agentEnv(base, view), logs.env, spread(view.extraEnv)],
    envFrom: [spread(view.extraEnvFrom)],
    ports: [
      { name: 'health', containerPort: HEALTH_PORT },
      when(metrics.enabled, { name: 'metrics', containerPort: metrics.port }),
    ],
    startupProbe: httpProbe('/health', 'health', view.probes.startup),
    livenessProbe: httpProbe('/health', 'health', view.probes.liveness),
    readinessProbe: httpProbe('/ready', 'health', view.probes.readiness),
    resources: when(given(view.resources), view.resources),
    securityContext: containerSecurity(view.advanced),
    lifecycle: when(given(view.advanced.lifecycle), view.advanced.lifecycle),
    volumeMounts: [
      ...scratch.mounts(STATE_DIR),
      { name: 'enrolment', mountPath: TOKEN_FOLDER, readOnly: true },
      { name: 'kube-api-access', mountPath: API_TOKEN_MOUNT, readOnly: true },
      when(hasFiles, { name: 'session', mountPath: SESSION_FOLDER, readOnly: true }),
      ca.mount,
      logs.mount,
      spread(view.extraVolumeMounts),
    ],
  });

  const deployment = resource<k8s.KubeDeploymentProps>('agent/deployment.yaml', view.enabled, 'apps/v1', 'Deployment', {
    metadata: base.meta(name, {
      component: COMPONENT,
      wave: WAVES.agent,
      annotations: [view.annotations],
      fallbackLabels: base.short(COMPONENT),
    }),
    spec: {
      replicas: view.replicaCount,
      revisionHistoryLimit: 5,
      selector: { matchLabels: base.selector(COMPONENT) },
      // without an election a second pod of the same agent id is refused by the hub: the old one has to go first
      strategy: when(or(ha.enabled, given(view.strategy)), rollout(view) as never, { type: 'Recreate' } as never),
      template: {
        metadata: {
          labels: base.podLabels(COMPONENT, view.podLabels),
          // not of the enrolment token: it is a file, read again whenever it changes
          annotations: podAnnotations(merge(view.podAnnotations, base.shared.commonAnnotations), {
            ca: caChecksum(base),
            session: [hasTemplate, json(template)],
            pool: [hasPool, json(config.session.warmPool)],
          }),
        },
        spec: entries<k8s.PodSpec>(placement(base, COMPONENT, view), advancedPod(view.advanced), {
          serviceAccountName: serviceAccountName(base, COMPONENT, view.serviceAccount),
          automountServiceAccountToken: false,
          // variables named after Services collide with those of the programs
          enableServiceLinks: false,
          terminationGracePeriodSeconds: view.terminationGracePeriodSeconds,
          securityContext: ownPodSecurity(view.runAsUser, view.advanced),
          imagePullSecrets: imagePullSecrets(base),
          initContainers: [spread(view.initContainers)],
          containers: [container, logs.sidecar, spread(view.sidecars)],
          volumes: [
            scratch.volume,
            { name: 'enrolment', secret: { secretName: secret.name, items: [{ key: secret.key, path: 'token' }] } },
            apiToken,
            when(hasFiles, { name: 'session', configMap: { name: base.object('k8s-agent-session') } }),
            ca.volume,
            logs.volume,
            spread(view.extraVolumes),
          ],
        }),
      },
    },
  });

  return [
    deployment,
    resource<k8s.KubeServiceProps>('agent/service.yaml', view.enabled, 'v1', 'Service', {
      metadata: base.meta(name, {
        component: COMPONENT,
        wave: WAVES.agent,
        annotations: [view.service.annotations],
        labels: view.service.labels,
        fallbackLabels: base.short(COMPONENT),
      }),
      spec: {
        selector: base.selector(COMPONENT),
        ports: [
          { name: 'health', port: HEALTH_PORT, targetPort: 'health' },
          when(metrics.enabled, { name: 'metrics', port: metrics.port, targetPort: 'metrics' }),
        ],
      },
    }),
    resource<k8s.KubePodDisruptionBudgetProps>(
      'agent/pdb.yaml',
      and(view.enabled, view.pdb.enabled, gt(view.replicaCount, 1)),
      'policy/v1',
      'PodDisruptionBudget',
      {
        metadata: base.meta(name, { component: COMPONENT, wave: WAVES.rest }),
        spec: disruptionOf(base, COMPONENT, view.pdb),
      },
    ),
    resource<k8s.KubeConfigMapProps>('agent/session-template.yaml', and(view.enabled, hasFiles), 'v1', 'ConfigMap', {
      metadata: base.meta(base.object('k8s-agent-session'), { component: COMPONENT, wave: WAVES.settings }),
      // JSON is YAML
      data: {
        'pod.yaml': when(hasTemplate, json(template)),
        'templates.json': when(hasPool, json(config.session.warmPool)),
      },
    }),
    resource<k8s.KubeLeaseProps>(
      'agent/lease.yaml',
      and(view.enabled, ha.enabled, ha.createLease),
      'coordination.k8s.io/v1',
      'Lease',
      {
        metadata: base.meta(leaseName(base, view), { component: COMPONENT, wave: WAVES.settings }),
      },
    ),
    namespaceObject(base, {
      file: 'agent/namespace.yaml',
      only: and(view.enabled, view.sessionNamespace.create, hasSessionNamespace(view)),
      name: namespaceOfSessions(view),
      podSecurity: view.sessionNamespace.podSecurity,
      wave: WAVES.sessions,
      component: COMPONENT,
    }),
    resource<k8s.KubeResourceQuotaProps>(
      'agent/quota.yaml',
      and(view.enabled, view.resourceQuota.enabled),
      'v1',
      'ResourceQuota',
      {
        metadata: base.meta(base.object('k8s-agent-sessions'), {
          component: COMPONENT,
          wave: WAVES.settings,
          namespace: namespaceOfSessions(view),
        }),
        spec: { hard: when(given(view.resourceQuota.hard), view.resourceQuota.hard as never) },
      },
    ),
  ];
}
