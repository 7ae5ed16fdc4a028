import { HOST_PORT } from '@streamspace/settings';
import { duration, flag, integer, list, objectName, pattern, quantity, section } from './kinds.ts';
import * as workload from './workload.ts';

const HOSTS = `${HOST_PORT}(,${HOST_PORT})*`;
/** As the hub reads it. Credentials are let through, to be refused with the reason. */
const URL = [
  `^rediss?://([^/@ ]*@)?${HOST_PORT}(/[0-9]{0,5})?$`,
  `^rediss?[+]sentinel://([^/@ ]*@)?${HOSTS}/[A-Za-z0-9_.-]+(/[0-9]{0,5})?$`,
  `^rediss?[+]cluster://([^/@ ]*@)?${HOSTS}(/0?)?$`,
].join('|');

/** Values of the hub's store. */
export const redis = section('The hub’s store: one Valkey node, or yours', {
  enabled: flag('Install Valkey; not used where an external one is named', true),
  external: section('A Valkey or Redis of your own: its URL, or a Secret with it', {
    url: pattern(
      'URL, without credentials in it',
      'redis://host:port, redis+sentinel://host:port,host:port/master or redis+cluster://host:port,host:port, or rediss…',
      URL,
      '',
      [
        'rediss://cache.example.com:6380/1',
        'redis+sentinel://s0.example.com,s1.example.com:26380/primary',
        'rediss+cluster://[fd00::1]:7000,[fd00::2]:7001',
      ],
    ),
    existingSecret: workload.secretKey('Secret with the URL', 'url'),
    waitReplicas: integer('Replicas of it that must have a command before it is accepted', 0, 0, 10),
    waitTimeout: duration('How long they may take', '1s', ['2s']),
  }),
  auth: section('Password of the installed Valkey', {
    existingSecret: workload.secretKey('Secret with the password', 'password'),
    password: pattern(
      'The password itself; a Secret is made of it',
      'letters, digits, dashes, dots, underscores, at least 16',
      '^[A-Za-z0-9._~-]{16,}$',
      '',
      ['0123456789abcdef0'],
    ),
  }),
  image: workload.image('valkey/valkey', '8.1'),
  persistence: section('Where its data is kept', {
    enabled: flag('Keep it on a PersistentVolumeClaim', true),
    existingClaim: objectName('A PersistentVolumeClaim that is there already; the others are then not used', '', [
      'kept',
    ]),
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
  terminationGracePeriodSeconds: integer('How long a stop may take, in seconds', 30, 1, 3600),
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
