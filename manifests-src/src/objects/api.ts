import type { k8s } from 'cdk8s-plus-28';
import { and, given, gt, json, merge, ne, not, or } from '../nodes/build.ts';
import { type EntryMap, entries, spread, when } from '../nodes/tree.ts';
import type { Refs } from '../values/refs.ts';
import type { StreamspaceValues } from '../values/streamspace.ts';
import { apiEnv, HTTP_PORT, HUB_METRICS_PORT, PROVIDERS_FOLDER, QUOTAS_FOLDER, TEMPLATES_FOLDER } from './api-env.ts';
import { type Base, WAVES } from './base.ts';
import {
  advancedPod,
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
  secretChecksum,
  serviceAccountName,
  timed,
} from './pod.ts';
import { type ReleaseObject, resource } from './resource.ts';
import { madeSecrets, madeSecretsRbac, secretsMaker } from './made-secrets.ts';
import { valueSecret } from './secrets.ts';
import { redisPasswordChecksum } from './store.ts';

const COMPONENT = 'api';

/** Deployment, Service, autoscaler, disruption budget and settings of the hub. */
export function apiObjects(base: Base, v: Refs<StreamspaceValues>): ReleaseObject[] {
  const view = v.api;
  const name = base.object(COMPONENT);
  const { config, autoscaling } = view;
  const hasTemplates = given(config.templates);
  const { providers } = view.signIn;
  const hasQuotas = given(config.quotas);
  const made = madeSecrets(base, v);
  const logs = logToFile(view);
  const ca = caBundle(base);
  const replicas = and(
    view.enabled,
    or(
      and(autoscaling.enabled, gt(autoscaling.minReplicas, 1)),
      and(not(autoscaling.enabled), gt(view.replicaCount, 1)),
    ),
  );

  const container: EntryMap<k8s.Container> = entries<k8s.Container>({
    name: 'api',
    image: base.image(COMPONENT, view.image),
    imagePullPolicy: view.image.pullPolicy,
    command: logs.command,
    args: logs.args,
    env: [...apiEnv(base, v), logs.env, spread(view.extraEnv)],
    envFrom: [spread(view.extraEnvFrom)],
    ports: [
      { name: 'http', containerPort: HTTP_PORT },
      { name: 'metrics', containerPort: HUB_METRICS_PORT },
    ],
    startupProbe: httpProbe('/api/v1/ready', 'http', view.probes.startup),
    livenessProbe: {
      tcpSocket: { port: 'http' },
      ...timed(view.probes.liveness),
    },
    readinessProbe: httpProbe('/api/v1/ready', 'http', view.probes.readiness),
    resources: when(given(view.resources), view.resources),
    securityContext: containerSecurity(view.advanced),
    lifecycle: when(given(view.advanced.lifecycle), view.advanced.lifecycle),
    volumeMounts: [
      ...scratch.mounts(),
      when(hasTemplates, { name: 'templates', mountPath: TEMPLATES_FOLDER, readOnly: true }),
      when(given(providers), { name: 'providers', mountPath: PROVIDERS_FOLDER, readOnly: true }),
      when(hasQuotas, { name: 'quotas', mountPath: QUOTAS_FOLDER, readOnly: true }),
      ca.mount,
      logs.mount,
      spread(view.extraVolumeMounts),
    ],
  });

  return [
    resource<k8s.KubeDeploymentProps>('api/deployment.yaml', view.enabled, 'apps/v1', 'Deployment', {
      metadata: base.meta(name, {
        component: COMPONENT,
        wave: WAVES.hub,
        annotations: [view.annotations],
        fallbackLabels: base.short(COMPONENT),
      }),
      spec: {
        // an autoscaler's number must not be reset by the next apply
        replicas: when(not(autoscaling.enabled), view.replicaCount),
        revisionHistoryLimit: 5,
        selector: { matchLabels: base.selector(COMPONENT) },
        strategy: rollout(view) as never,
        template: {
          metadata: {
            labels: base.podLabels(COMPONENT, view.podLabels),
            annotations: podAnnotations(merge(view.podAnnotations, base.shared.commonAnnotations), {
              ca: caChecksum(base),
              auth: secretChecksum(view.auth.existingSecret.name, view.auth.secret),
              peers: secretChecksum(view.peers.existingSecret.name, view.peers.secret),
              enrolment: secretChecksum(v.enrolment.existingSecret.name, v.enrolment.token),
              password: redisPasswordChecksum(v),
              templates: [hasTemplates, json(config.templates)],
              providers: [given(providers), json(providers)],
              quotas: [hasQuotas, json(config.quotas)],
            }),
          },
          spec: entries<k8s.PodSpec>(placement(base, COMPONENT, view), advancedPod(view.advanced), {
            serviceAccountName: serviceAccountName(base, COMPONENT, view.serviceAccount),
            automountServiceAccountToken: false,
            enableServiceLinks: false,
            terminationGracePeriodSeconds: view.terminationGracePeriodSeconds,
            securityContext: ownPodSecurity(view.runAsUser, view.advanced),
            imagePullSecrets: imagePullSecrets(base),
            initContainers: [when(made.any, secretsMaker(base, v)), spread(view.initContainers)],
            containers: [container, logs.sidecar, spread(view.sidecars)],
            volumes: [
              scratch.volume,
              when(made.any, apiToken),
              when(hasTemplates, { name: 'templates', configMap: { name: base.object('api-templates') } }),
              when(given(providers), { name: 'providers', configMap: { name: base.object('api-providers') } }),
              when(hasQuotas, { name: 'quotas', configMap: { name: base.object('api-quotas') } }),
              ca.volume,
              logs.volume,
              spread(view.extraVolumes),
            ],
          }),
        },
      },
    }),
    resource<k8s.KubeServiceProps>('api/service.yaml', view.enabled, 'v1', 'Service', {
      metadata: base.meta(name, {
        component: COMPONENT,
        wave: WAVES.hub,
        annotations: [view.service.annotations],
        marks: base.mark(COMPONENT),
        labels: view.service.labels,
        fallbackLabels: base.short(COMPONENT),
      }),
      spec: {
        type: view.service.type,
        loadBalancerClass: when(given(view.service.loadBalancerClass), view.service.loadBalancerClass),
        loadBalancerSourceRanges: when(
          given(view.service.loadBalancerSourceRanges),
          view.service.loadBalancerSourceRanges as never,
        ),
        externalTrafficPolicy: when(given(view.service.externalTrafficPolicy), view.service.externalTrafficPolicy),
        ipFamilyPolicy: when(given(view.service.ipFamilyPolicy), view.service.ipFamilyPolicy),
        ipFamilies: when(given(view.service.ipFamilies), view.service.ipFamilies as never),
        sessionAffinity: when(ne(view.service.sessionAffinity, 'None'), view.service.sessionAffinity),
        selector: base.selector(COMPONENT),
        ports: [
          {
            name: 'http',
            port: view.service.port,
            targetPort: 'http',
            nodePort: when(gt(view.service.nodePort, 0), view.service.nodePort),
          },
        ],
      },
    }),
    resource<k8s.KubePodDisruptionBudgetProps>(
      'api/pdb.yaml',
      and(replicas, view.pdb.enabled),
      'policy/v1',
      'PodDisruptionBudget',
      {
        metadata: base.meta(name, { component: COMPONENT, wave: WAVES.rest }),
        spec: disruptionOf(base, COMPONENT, view.pdb),
      },
    ),
    resource<k8s.KubeHorizontalPodAutoscalerV2Props>(
      'api/hpa.yaml',
      and(view.enabled, autoscaling.enabled),
      'autoscaling/v2',
      'HorizontalPodAutoscaler',
      {
        metadata: base.meta(name, { component: COMPONENT, wave: WAVES.rest }),
        spec: {
          scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
          minReplicas: autoscaling.minReplicas,
          maxReplicas: autoscaling.maxReplicas,
          metrics: [
            {
              type: 'Resource',
              resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: autoscaling.cpu } },
            },
            when(gt(autoscaling.memory, 0), {
              type: 'Resource',
              resource: { name: 'memory', target: { type: 'Utilization', averageUtilization: autoscaling.memory } },
            }),
            spread(autoscaling.metrics),
          ],
          behavior: when(given(autoscaling.behavior), autoscaling.behavior),
        },
      },
    ),
    resource<k8s.KubeConfigMapProps>('api/templates.yaml', and(view.enabled, hasTemplates), 'v1', 'ConfigMap', {
      metadata: base.meta(base.object('api-templates'), { component: COMPONENT, wave: WAVES.settings }),
      data: { 'templates.json': json(config.templates) },
    }),
    resource<k8s.KubeConfigMapProps>('api/providers.yaml', and(view.enabled, given(providers)), 'v1', 'ConfigMap', {
      metadata: base.meta(base.object('api-providers'), { component: COMPONENT, wave: WAVES.settings }),
      data: { 'providers.json': json(providers) },
    }),
    resource<k8s.KubeConfigMapProps>('api/quotas.yaml', and(view.enabled, hasQuotas), 'v1', 'ConfigMap', {
      metadata: base.meta(base.object('api-quotas'), { component: COMPONENT, wave: WAVES.settings }),
      data: { 'quotas.json': json(config.quotas) },
    }),
    valueSecret(
      base,
      'api/peers.yaml',
      'api-peers',
      'peer-secret',
      view.peers.existingSecret,
      view.peers.secret,
      view.enabled,
      made.only('HUB_PEER_SECRET'),
    ),
    valueSecret(
      base,
      'api/auth.yaml',
      'api-auth',
      'jwt-secret',
      view.auth.existingSecret,
      view.auth.secret,
      view.enabled,
      made.only('JWT_SECRET'),
    ),
    ...madeSecretsRbac(base, v),
    resource<k8s.KubeServiceAccountProps>(
      'api/serviceaccount.yaml',
      and(view.enabled, view.serviceAccount.create),
      'v1',
      'ServiceAccount',
      {
        metadata: base.meta(serviceAccountName(base, COMPONENT, view.serviceAccount), {
          component: COMPONENT,
          wave: WAVES.settings,
          annotations: [view.serviceAccount.annotations],
          labels: view.serviceAccount.labels,
        }),
        automountServiceAccountToken: false,
      },
    ),
  ];
}
