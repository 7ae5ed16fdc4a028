import type {
  CoreV1Event,
  V1ContainerState,
  V1ContainerStatus,
  V1Node,
  V1PersistentVolumeClaim,
  V1Pod,
  V1PodStatus,
} from '@kubernetes/client-node';
import { ApiError } from 'kube-client';
import { describe, expect, it } from 'vitest';
import { capacityFor } from '../../src/sessions/kubernetes/capacity.ts';
import { type Diagnosis, reasonFor } from '../../src/sessions/kubernetes/state/reason.ts';
import { refusalOf } from '../../src/sessions/kubernetes/state/refusal.ts';

const pod = (
  status: V1PodStatus,
  more: Partial<V1Pod['metadata']> = {},
  nodeName: string | undefined = 'node-7',
): Pick<V1Pod, keyof V1Pod> => ({
  metadata: { name: 'session-a', uid: 'u', ...more },
  spec: {
    containers: [{ name: 'session', ports: [{ containerPort: 5900 }], resources: { limits: { memory: '2Gi' } } }],
    ...(nodeName && { nodeName }),
  },
  status,
});
/** As plain fields, which may be spread. */
type Status = Pick<V1PodStatus, keyof V1PodStatus>;
const container = (state: V1ContainerState, more: Partial<V1ContainerStatus> = {}): Status => ({
  phase: 'Pending',
  containerStatuses: [
    { name: 'session', image: 'nowhere/desktop:9', imageID: '', ready: false, restartCount: 0, state, ...more },
  ],
});
const waiting = (reason: string, message?: string) => container({ waiting: { reason, ...(message && { message }) } });
const unscheduled = (message: string): V1PodStatus => ({
  phase: 'Pending',
  conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }],
});
const event = (reason: string, message: string, kind = 'Pod', at = '2026-01-01T00:00:00Z') =>
  ({
    metadata: {},
    involvedObject: { kind },
    type: 'Warning',
    reason,
    message,
    lastTimestamp: at,
  }) as unknown as CoreV1Event;
const claim = (storageClassName?: string): V1PersistentVolumeClaim => ({
  metadata: { name: 'home-ada' },
  spec: { ...(storageClassName && { storageClassName }) },
  status: { phase: 'Pending' },
});

describe('reason', () => {
  const cases: [
    string,
    Diagnosis,
    state: Diagnosis['state'],
    words: string[],
    patience: 'final' | 'doubtful' | 'patient',
  ][] = [
    ['no node', reasonFor(pod({ phase: 'Pending' }, {}, '')), 'starting', ['scheduler'], 'patient'],
    [
      'unschedulable',
      reasonFor(pod(unscheduled('0/3 nodes are available: 3 Insufficient cpu.'), {}, '')),
      'starting',
      ['0/3 nodes are available: 3 Insufficient cpu.'],
      'patient',
    ],
    [
      'home pending with its class',
      reasonFor(
        pod(unscheduled('pod has unbound immediate PersistentVolumeClaims'), {}, ''),
        [event('ProvisioningFailed', 'no space left in pool', 'PersistentVolumeClaim')],
        claim('fast'),
      ),
      'starting',
      ['home-ada', 'storage class fast', 'no space left in pool'],
      'patient',
    ],
    [
      'home pending without class',
      reasonFor(pod(unscheduled('pod has unbound immediate PersistentVolumeClaims'), {}, ''), [], claim()),
      'starting',
      ['SESSION_STORAGE_CLASS'],
      'patient',
    ],
    [
      'image that can’t be pulled',
      reasonFor(pod(waiting('ErrImagePull', 'not found'))),
      'starting',
      ['nowhere/desktop:9', 'not found'],
      'doubtful',
    ],
    [
      'image pull back-off',
      reasonFor(pod(waiting('ImagePullBackOff', 'Back-off pulling image'))),
      'starting',
      ['nowhere/desktop:9', 'next try'],
      'doubtful',
    ],
    [
      'image that is no name',
      reasonFor(pod(waiting('InvalidImageName'))),
      'starting',
      ['nowhere/desktop:9', 'no valid name'],
      'final',
    ],
    [
      'image never pulled',
      reasonFor(pod(waiting('ErrImageNeverPull'))),
      'starting',
      ['SESSION_IMAGE_PULL_POLICY'],
      'final',
    ],
    [
      'container refused',
      reasonFor(pod(waiting('CreateContainerConfigError', 'secret "x" not found'))),
      'starting',
      ['secret "x" not found'],
      'doubtful',
    ],
    [
      'crash loop',
      reasonFor(
        pod(
          container(
            { waiting: { reason: 'CrashLoopBackOff' } },
            { restartCount: 4, lastState: { terminated: { exitCode: 3 } } },
          ),
        ),
      ),
      'starting',
      ['exit code 3', '4 restarts'],
      'final',
    ],
    [
      'crash',
      reasonFor(pod({ ...container({ terminated: { exitCode: 137, reason: 'Error' } }), phase: 'Failed' })),
      'failed',
      ['exit code 137'],
      'final',
    ],
    [
      'crash, told before its pod ended',
      reasonFor({
        ...pod({
          ...container({ terminated: { exitCode: 2 } }),
          phase: 'Running',
          conditions: [{ type: 'Ready', status: 'False' }],
        }),
        spec: { containers: [], restartPolicy: 'Never' },
      }),
      'failed',
      ['exit code 2'],
      'final',
    ],
    [
      'out of memory',
      reasonFor(pod({ ...container({ terminated: { exitCode: 137, reason: 'OOMKilled' } }), phase: 'Failed' })),
      'failed',
      ['more memory', '2Gi'],
      'final',
    ],
    [
      'evicted',
      reasonFor(pod({ phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.' })),
      'failed',
      ['Evicted', 'low on resource: memory'],
      'final',
    ],
    [
      'node lost, deleted by the taint manager',
      reasonFor(
        pod(
          {
            phase: 'Running',
            conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'DeletionByTaintManager' }],
          },
          { deletionTimestamp: new Date(0) },
        ),
      ),
      'failed',
      ['node-7', 'lost'],
      'final',
    ],
    [
      'node silent',
      reasonFor(
        pod({
          ...container({ running: {} }, { started: true, ready: true }),
          phase: 'Running',
          conditions: [{ type: 'Ready', status: 'False' }],
        }),
      ),
      'failed',
      ['node-7', 'does not answer'],
      'patient',
    ],
    [
      'evicted by the API',
      reasonFor(
        pod(
          {
            phase: 'Running',
            conditions: [
              { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI', message: 'drain' },
            ],
          },
          { deletionTimestamp: new Date(0) },
        ),
      ),
      'failed',
      ['Evicted', 'drain'],
      'final',
    ],
    [
      'deleted by hand',
      reasonFor(
        pod({ phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] }, { deletionTimestamp: new Date(0) }),
      ),
      'failed',
      ['deleted from outside'],
      'final',
    ],
    [
      'volume that can’t be mounted',
      reasonFor(pod(waiting('ContainerCreating')), [
        event('FailedMount', 'old', 'Pod', '2025-01-01T00:00:00Z'),
        event('FailedMount', 'timed out waiting'),
      ]),
      'starting',
      ['node-7', 'FailedMount', 'timed out waiting'],
      'patient',
    ],
    [
      'started, and about to be ready',
      reasonFor(
        pod({
          ...container({ running: {} }, { started: true }),
          phase: 'Running',
          conditions: [{ type: 'Ready', status: 'False', reason: 'ContainersNotReady' }],
        }),
      ),
      'starting',
      [],
      'patient',
    ],
    [
      'screen not there yet',
      reasonFor(pod({ ...container({ running: {} }, { started: false }), phase: 'Running' })),
      'starting',
      ['port 5900'],
      'patient',
    ],
    [
      'ready',
      reasonFor(pod({ phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] })),
      'running',
      [],
      'patient',
    ],
  ];
  it.for(cases)('%s', ([, diagnosis, state, words, patience]) => {
    expect(diagnosis.state).toBe(state);
    for (const word of words) expect(diagnosis.reason).toContain(word);
    expect(diagnosis.final ? 'final' : diagnosis.doubtful ? 'doubtful' : 'patient').toBe(patience);
  });

  it('says which crashes have a log worth reading', () => {
    expect(reasonFor(pod({ ...container({ terminated: { exitCode: 1 } }), phase: 'Failed' })).crashed).toBe(true);
    expect(reasonFor(pod({ phase: 'Failed', reason: 'Evicted' })).crashed).toBe(false);
  });
});

describe('refusal', () => {
  it('of a quota names the numbers', () => {
    const error = new ApiError(
      403,
      'Forbidden',
      'pods "session-a" is forbidden: exceeded quota: sessions, requested: limits.cpu=1,pods=1, used: limits.cpu=4,pods=4, limited: limits.cpu=4,pods=4',
    );
    expect(refusalOf(error, 'pod')).toMatchObject({
      code: 'at_capacity',
      retryable: true,
      details: { failure: 'quota' },
    });
    for (const word of ['sessions', 'limits.cpu=1,pods=1', 'limits.cpu=4,pods=4'])
      expect(refusalOf(error, 'pod').message).toContain(word);
  });
  it('of Pod Security and of RBAC say so', () => {
    const security = new ApiError(
      403,
      'Forbidden',
      'pods "a" is forbidden: violates PodSecurity "restricted:latest": privileged (container "session")',
    );
    expect(refusalOf(security, 'pod').message).toMatch(
      /Pod Security restricted:latest.*privileged.*SESSION_POD_TEMPLATE/,
    );
    const rbac = new ApiError(
      403,
      'Forbidden',
      'pods is forbidden: User "a" cannot create resource "pods" in API group "" in the namespace "b"',
    );
    expect(refusalOf(rbac, 'pod').message).toMatch(/Role does not allow/);
    for (const error of [security, rbac]) expect(refusalOf(error, 'pod').details).toEqual({ failure: 'permission' });
  });
});

describe('capacity', () => {
  const config = { sessionDefaultCpu: 1, sessionDefaultMemory: 2e9, maxSessions: 10 };
  const nothing = { sessions: 0, cpu: 0, memory: 0 };
  it('without a quota is MAX_SESSIONS of the default size', () => {
    expect(capacityFor([], undefined, nothing, config)).toEqual({ cpu: 10, memory: 2e10, max_sessions: 10 });
  });
  it('is what the tightest quota leaves to sessions, not what they use already', () => {
    const quota = {
      status: {
        hard: { 'requests.cpu': '8', 'limits.memory': '16G', pods: '6' },
        used: { 'requests.cpu': '5', 'limits.memory': '10G', pods: '4' },
      },
    };
    expect(capacityFor([quota], undefined, { sessions: 3, cpu: 3, memory: 6e9 }, config)).toEqual({
      cpu: 6,
      memory: 12e9,
      max_sessions: 5,
    });
  });
  it('counts the nodes that take sessions, where they may be listed', () => {
    const node = (name: string, spec: V1Node['spec'] = {}, ready = 'True'): V1Node => ({
      metadata: { name, labels: { pool: name } },
      spec,
      status: {
        conditions: [{ type: 'Ready', status: ready }],
        allocatable: { cpu: '3500m', memory: '8Gi', pods: '4' },
      },
    });
    const taint = { key: 'dedicated', value: 'sessions', effect: 'NoSchedule' };
    const nodes = [
      node('a'),
      node('down', {}, 'Unknown'),
      node('cordoned', { unschedulable: true }),
      node('b', { taints: [taint] }),
    ];
    expect(capacityFor([], nodes, nothing, config)).toEqual({ cpu: 3.5, memory: 8 * 2 ** 30, max_sessions: 4 });
    const podTemplate = { spec: { tolerations: [{ key: 'dedicated', operator: 'Equal', value: 'sessions' }] } };
    expect(capacityFor([], nodes, nothing, { ...config, podTemplate }).cpu).toBe(7);
    const pool = { spec: { nodeSelector: { pool: 'b' }, tolerations: [{ operator: 'Exists' }] } };
    expect(capacityFor([], nodes, nothing, { ...config, podTemplate: pool }).cpu).toBe(3.5);
    const quota = { status: { hard: { 'limits.cpu': '2' } } };
    expect(capacityFor([quota], nodes, nothing, config).cpu).toBe(2);
  });
  it('takes no notice of quotas for other kinds of pods', () => {
    const scoped = { spec: { scopes: ['BestEffort'], hard: { pods: '0' } } };
    expect(capacityFor([scoped], undefined, nothing, config).max_sessions).toBe(10);
  });
});
