import { HUB } from '@streamspace/settings';
import {
  annotations,
  flag,
  fromSetting,
  integer,
  labels,
  list,
  objectName,
  pattern,
  quantity,
  section,
} from './kinds.ts';
import * as workload from './workload.ts';

/** Values of the hub's store. */
export const redis = section('The hub’s store: one Valkey node, or yours', {
  enabled: flag('Install Valkey; ignored with an external one', true),
  external: section('A Valkey or Redis of your own: its URL, or a Secret with it', {
    url: fromSetting(HUB.storeUrl, {
      description: 'URL without credentials',
      default: '',
      takes:
        'redis://host:port, redis+sentinel://host:port,host:port/master or redis+cluster://host:port,host:port, or rediss…',
    }),
    existingSecret: workload.secretKey('Secret with the URL', 'url'),
    waitReplicas: fromSetting(HUB.storeWaitReplicas),
    waitTimeout: fromSetting(HUB.storeWaitTimeout),
  }),
  auth: section('Password of the installed Valkey', {
    existingSecret: workload.secretKey('Secret with the password', 'password'),
    password: pattern(
      'The password itself; the chart makes a Secret with it',
      'letters, digits, dashes, dots, underscores, at least 16',
      '^[A-Za-z0-9._~-]{16,}$',
      '',
      ['0123456789abcdef0'],
    ),
  }),
  image: workload.image('valkey/valkey', '8.1'),
  persistence: section('Storage of its data', {
    enabled: flag('Keep it on a PersistentVolumeClaim', true),
    existingClaim: objectName('An existing PersistentVolumeClaim; the values below are then ignored', '', ['kept']),
    size: quantity('Size', '2Gi', ['5Gi']),
    storageClass: objectName('Storage class; empty: the cluster’s default', '', ['fast']),
    accessModes: list('Access modes', ['ReadWriteOnce'], [['ReadWriteOncePod']], {
      pattern: '^ReadWrite(Once|OncePod|Many)$',
    }),
  }),
  resources: workload.resources(
    { cpu: '50m', memory: '64Mi', 'ephemeral-storage': '16Mi' },
    { cpu: '1', memory: '256Mi', 'ephemeral-storage': '64Mi' },
  ),
  probes: workload.probes(),
  terminationGracePeriodSeconds: integer('Longest duration of a stop, in seconds', 30, 1, 3600),
  service: section('Its Service', { annotations: annotations('Annotations'), labels: labels('Labels') }),
  runAsUser: workload.extras.runAsUser,
  annotations: workload.extras.annotations,
  podLabels: workload.extras.podLabels,
  podAnnotations: workload.extras.podAnnotations,
  extraArgs: list('More arguments of valkey-server', [], [['--maxmemory', '200mb', '--loglevel', 'verbose']]),
  nodeSelector: workload.scheduling.nodeSelector,
  tolerations: workload.scheduling.tolerations,
  affinity: workload.scheduling.affinity,
  priorityClassName: workload.scheduling.priorityClassName,
  advanced: workload.advanced(),
});
