import { describe, expect, it } from 'vitest';
import { streamspace } from '../../src/charts/streamspace.ts';
import { objectsOf } from '../../src/render/synth.ts';
import { coalesceValues } from '../../src/values/tree.ts';
import { BASES, RELEASE } from '../support/bases.ts';

interface Constraint {
  readonly topologyKey: string;
  readonly whenUnsatisfiable: string;
  readonly matchLabelKeys?: readonly string[];
}
interface Spec {
  readonly affinity?: { readonly podAntiAffinity?: object };
  readonly topologySpreadConstraints?: readonly Constraint[];
}
const podOf = (values: object): Spec => {
  const objects = objectsOf(streamspace(), RELEASE, coalesceValues(BASES['streamspace'], { k8sAgent: values }));
  const { spec } = objects.find(
    ({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'streamspace-k8s-agent',
  ) as unknown as { spec: { template: { spec: Spec } } };
  return spec.template.spec;
};
const keys = ({ topologySpreadConstraints = [] }: Spec) =>
  topologySpreadConstraints.map(({ topologyKey, whenUnsatisfiable }) => [topologyKey, whenUnsatisfiable]);
const HOST = 'kubernetes.io/hostname';
const ZONE = 'topology.kubernetes.io/zone';

describe('replicas on nodes of their own', () => {
  it('are counted among those of one template: old ones, which a rollout removes, attract and repel no new one', () => {
    const pod = podOf({});
    expect(keys(pod)).toEqual([[HOST, 'ScheduleAnyway']]);
    expect(pod.topologySpreadConstraints![0]!.matchLabelKeys).toEqual(['pod-template-hash']);
    expect(pod.affinity).toBeUndefined();
  });

  it('are spread over zones, too, where they are asked to', () => {
    const zones = podOf({ topologySpread: { enabled: true, whenUnsatisfiable: 'DoNotSchedule' } });
    expect(keys(zones)).toEqual([
      [HOST, 'ScheduleAnyway'],
      [ZONE, 'DoNotSchedule'],
    ]);
    expect(zones.topologySpreadConstraints!.every(({ matchLabelKeys }) => matchLabelKeys?.length === 1)).toBe(true);
  });

  it('have one constraint of a kind: Kubernetes refuses two', () => {
    expect(keys(podOf({ topologySpread: { enabled: true, topologyKey: HOST } }))).toEqual([[HOST, 'ScheduleAnyway']]);
  });

  it('wait for a node of their own where that is required', () => {
    const pod = podOf({ podAntiAffinity: { type: 'required' } });
    expect(keys(pod)).toEqual([]);
    expect(pod.affinity?.podAntiAffinity).toHaveProperty('requiredDuringSchedulingIgnoredDuringExecution');
  });

  it('keep apart beside constraints of the user’s', () => {
    const own = [{ maxSkew: 1, topologyKey: ZONE, whenUnsatisfiable: 'DoNotSchedule', labelSelector: {} }];
    const pod = podOf({ advanced: { topologySpreadConstraints: own } });
    expect(pod.topologySpreadConstraints).toEqual(own);
    expect(pod.affinity?.podAntiAffinity).toHaveProperty('preferredDuringSchedulingIgnoredDuringExecution');
  });
});
