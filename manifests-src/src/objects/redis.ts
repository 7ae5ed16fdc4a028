import type { k8s } from 'cdk8s-plus-28';
import { and, given, missing, not, orElse } from '../nodes/build.ts';
import { entries, spread, when } from '../nodes/tree.ts';
import type { Refs } from '../values/refs.ts';
import type { StreamspaceValues } from '../values/streamspace.ts';
import { type Base, WAVES } from './base.ts';
import {
  advancedPod,
  containerSecurity,
  ownPodSecurity,
  podAnnotations,
  imagePullSecrets,
  scratch,
  timed,
} from './pod.ts';
import { type ReleaseObject, resource } from './resource.ts';
import { valueSecret } from './secrets.ts';
import { redisPasswordChecksum, redisPasswordSecret, storeChoice } from './store.ts';

const COMPONENT = 'redis';
type Values = Refs<StreamspaceValues>;

/** One Valkey node with an append-only file. */
export function redisObjects(base: Base, v: Values): ReleaseObject[] {
  const view = v.redis;
  const only = and(v.api.enabled, storeChoice(v).installed);
  const name = base.object(COMPONENT);
  const password = redisPasswordSecret(base, v);
  const { persistence, probes } = view;
  const ping = { exec: { command: ['sh', '-c', 'REDISCLI_AUTH="$REDIS_PASSWORD" valkey-cli ping | grep -q PONG'] } };
  const pinged = (timing: typeof probes.liveness) => ({ ...ping, ...timed(timing) });

  return [
    resource<k8s.KubeStatefulSetProps>('redis/statefulset.yaml', only, 'apps/v1', 'StatefulSet', {
      metadata: base.meta(name, { component: COMPONENT, wave: WAVES.store, annotations: [view.annotations] }),
      spec: {
        replicas: 1,
        serviceName: name,
        revisionHistoryLimit: 5,
        selector: { matchLabels: base.selector(COMPONENT) },
        template: {
          metadata: {
            // no common metadata, no authorities: the store restarts only for its own changes
            labels: entries<Record<string, string>>(base.selector(COMPONENT), spread(view.podLabels)),
            annotations: podAnnotations(view.podAnnotations, { password: redisPasswordChecksum(v) }),
          },
          spec: {
            nodeSelector: when(given(view.nodeSelector), view.nodeSelector),
            tolerations: when(given(view.tolerations), view.tolerations),
            affinity: when(given(view.affinity), view.affinity),
            priorityClassName: when(given(view.priorityClassName), view.priorityClassName),
            topologySpreadConstraints: when(
              given(view.advanced.topologySpreadConstraints),
              view.advanced.topologySpreadConstraints,
            ),
            ...(advancedPod(view.advanced) as object),
            automountServiceAccountToken: false,
            enableServiceLinks: false,
            terminationGracePeriodSeconds: view.terminationGracePeriodSeconds,
            securityContext: ownPodSecurity(view.runAsUser, view.advanced),
            imagePullSecrets: imagePullSecrets(base),
            containers: [
              {
                name: 'valkey',
                image: base.image(COMPONENT, view.image),
                imagePullPolicy: view.image.pullPolicy,
                command: ['valkey-server'],
                args: [
                  // accepted commands must survive: every write is in the file, and nothing is evicted
                  '--dir',
                  '/data',
                  '--appendonly',
                  'yes',
                  '--appendfsync',
                  'always',
                  '--save',
                  '',
                  '--maxmemory-policy',
                  'noeviction',
                  // in protected mode without a password it would answer only its own pod; the NetworkPolicy decides who may connect
                  '--protected-mode',
                  'no',
                  when(password.used, ['--requirepass', '$(REDIS_PASSWORD)']),
                  spread(view.extraArgs),
                ],
                env: [
                  when(password.used, {
                    name: 'REDIS_PASSWORD',
                    valueFrom: { secretKeyRef: { name: password.name, key: password.key } },
                  }),
                ],
                ports: [{ name: 'redis', containerPort: 6379 }],
                startupProbe: pinged(probes.startup),
                // while it loads its file it answers no PING, which must not cause a restart
                livenessProbe: { ...timed(probes.liveness), tcpSocket: { port: 'redis' } },
                readinessProbe: pinged(probes.readiness),
                resources: when(given(view.resources), view.resources),
                securityContext: containerSecurity(view.advanced),
                lifecycle: when(given(view.advanced.lifecycle), view.advanced.lifecycle),
                volumeMounts: [{ name: 'data', mountPath: '/data' }, ...scratch.mounts()],
              },
            ],
            volumes: [
              scratch.volume,
              when(not(persistence.enabled), { name: 'data', emptyDir: { sizeLimit: persistence.size } }),
              when(and(persistence.enabled, given(persistence.existingClaim)), {
                name: 'data',
                persistentVolumeClaim: { claimName: persistence.existingClaim },
              }),
            ],
          },
        },
        volumeClaimTemplates: when(and(persistence.enabled, missing(persistence.existingClaim)), [
          // the API server's defaults are written out, otherwise Argo CD would show a permanent difference
          {
            ...({ apiVersion: 'v1', kind: 'PersistentVolumeClaim' } as object),
            metadata: { name: 'data' },
            spec: {
              volumeMode: 'Filesystem',
              accessModes: orElse(persistence.accessModes, ['ReadWriteOnce']) as never,
              storageClassName: when(given(persistence.storageClass), persistence.storageClass),
              resources: { requests: { storage: persistence.size } },
            },
          },
        ]),
      },
    }),
    resource<k8s.KubeServiceProps>('redis/service.yaml', only, 'v1', 'Service', {
      metadata: base.meta(name, {
        component: COMPONENT,
        wave: WAVES.store,
        annotations: [view.service.annotations],
        labels: view.service.labels,
      }),
      spec: {
        clusterIP: 'None',
        selector: base.selector(COMPONENT),
        ports: [{ name: 'redis', port: 6379, targetPort: 'redis' }],
      },
    }),
    valueSecret(base, 'redis/auth.yaml', 'redis-auth', 'password', view.auth.existingSecret, view.auth.password, only),
  ];
}
