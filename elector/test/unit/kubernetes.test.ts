import { describe, expect, it } from 'vitest';
import { podEvidence, podIdentity, podOf, type Lease, type Pod } from '../../src/kubernetes/index.ts';
import { leaseRecordOf, TERM_ANNOTATION, withRecord } from '../../src/kubernetes/lease.ts';

const UID = '2f3c9a9e-2e0a-4c0e-8d53-3e0f7ad2c001';
const OTHER_UID = '2f3c9a9e-2e0a-4c0e-8d53-3e0f7ad2c002';

describe('a Lease as a record', () => {
  const lease: Lease = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      name: 'x',
      namespace: 'y',
      uid: UID,
      resourceVersion: '17',
      labels: { a: 'b' },
      annotations: { theirs: '1', [TERM_ANNOTATION]: '7' },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'd', uid: OTHER_UID }],
    },
    spec: {
      holderIdentity: 'agent-0',
      leaseDurationSeconds: 15,
      acquireTime: '2030-01-01T00:00:00.123456Z',
      renewTime: '2030-01-01T00:00:05.000000Z',
      leaseTransitions: 3,
    },
  };

  it('is read', () => {
    expect(leaseRecordOf(lease)).toEqual({
      holder: 'agent-0',
      term: 7,
      durationMs: 15_000,
      acquiredAt: '2030-01-01T00:00:00.123Z',
      renewedAt: '2030-01-01T00:00:05.000Z',
      transitions: 3,
    });
  });

  it('is written over what others have written', () => {
    const record = { ...leaseRecordOf(lease), holder: 'agent-1', term: 8, durationMs: 3500 };
    const written = withRecord(lease, record);
    expect(written.metadata).toEqual({ ...lease.metadata, annotations: { theirs: '1', [TERM_ANNOTATION]: '8' } });
    expect(written.spec).toEqual({
      holderIdentity: 'agent-1',
      // the API takes whole seconds: rounded up, nobody takes it too early
      leaseDurationSeconds: 4,
      acquireTime: '2030-01-01T00:00:00.123000Z',
      renewTime: '2030-01-01T00:00:05.000000Z',
      leaseTransitions: 3,
    });
  });

  it.each([[undefined], ['x'], ['-1'], ['1.5'], ['1e99']])('takes a term of %s for none', (term) => {
    const annotations: Record<string, string> = term === undefined ? {} : { [TERM_ANNOTATION]: term };
    expect(leaseRecordOf({ ...lease, metadata: { name: 'x', namespace: 'y', annotations } }).term).toBe(0);
  });

  it('is read when it is empty', () => {
    const { spec: _, ...bare } = lease;
    expect(leaseRecordOf(bare)).toMatchObject({ holder: '', durationMs: 0, acquiredAt: '', transitions: 0 });
  });
});

describe('the kubelet’s word', () => {
  const ACQUIRED = '2030-01-01T00:00:10.700Z';
  const at = (second: number) => `2030-01-01T00:00:${second}Z`;
  const pod = (status: Pod['status'], uid = UID): Pod => ({
    metadata: { name: 'agent-0', uid },
    ...(status && { status }),
  });
  const container = (state: object, lastState: object = {}, name = 'agent') =>
    pod({ phase: 'Running', containerStatuses: [{ name, state, lastState }] });
  const word = (subject: Pod | undefined, existed = true) => podEvidence(subject, UID, ACQUIRED, existed, 'agent');

  it('knows pods by name and uid', () => {
    expect(podOf(podIdentity('agent-0', UID))).toEqual({ name: 'agent-0', uid: UID });
    expect(podOf('agent-0')).toBeUndefined();
    expect(podOf(`agent-0_${UID}x`)).toBeUndefined();
  });

  it('a pod that was there and is gone, or was replaced', () => {
    expect(word(undefined)).toBe('its pod is gone');
    expect(word(pod({ phase: 'Running' }, OTHER_UID))).toBe('its pod is gone');
  });

  it('a pod that was never seen says nothing: it may be elsewhere', () => {
    expect(word(undefined, false)).toBeUndefined();
    expect(word(pod({ phase: 'Running' }, OTHER_UID), false)).toBeUndefined();
  });

  it('a pod that has ended', () => {
    expect(word(pod({ phase: 'Failed' }))).toBe('its pod is Failed');
    expect(word(pod({ phase: 'Succeeded' }))).toBe('its pod is Succeeded');
  });

  it('a container that terminated after it acquired the lease', () => {
    expect(word(container({ terminated: { startedAt: at(10), finishedAt: at(12) } }))).toBe('its container terminated');
    expect(word(container({ waiting: {} }, { terminated: { finishedAt: at(12) } }))).toBe('its container terminated');
  });

  it('a container that was started again after it acquired the lease', () => {
    expect(word(container({ running: { startedAt: at(13) } }, { terminated: { finishedAt: at(12) } }))).toBe(
      'its container was restarted',
    );
  });

  it('nothing of what was before the acquisition, or in its second: the successor in the same pod may hold it', () => {
    expect(word(container({ running: { startedAt: at(10) } }, { terminated: { finishedAt: at(10) } }))).toBeUndefined();
    expect(word(container({ terminated: { finishedAt: at(10) } }))).toBeUndefined();
  });

  it('nothing of other containers of the pod, nor of one that is well', () => {
    expect(word(container({ terminated: { finishedAt: at(12) } }, {}, 'sidecar'))).toBeUndefined();
    expect(word(container({ running: { startedAt: at(5) } }))).toBeUndefined();
    expect(word(pod({ phase: 'Running' }))).toBeUndefined();
    expect(word(pod(undefined))).toBeUndefined();
  });
});
