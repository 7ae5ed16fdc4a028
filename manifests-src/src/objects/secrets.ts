import type { k8s } from 'cdk8s-plus-28';
import { and, choose, given, not, or } from '../nodes/build.ts';
import type { Expr } from '../nodes/expression.ts';
import { when } from '../nodes/tree.ts';
import type { Refs } from '../values/refs.ts';
import { type Base, WAVES } from './base.ts';
import { CA_FILE } from './pod.ts';
import { type ReleaseObject, resource } from './resource.ts';

type SecretKey = Refs<{ name: string; key: string }>;

export interface SecretRef {
  readonly name: Expr<string>;
  readonly key: Expr<string>;
}

/** The Secret that a user named, otherwise the one made from the value. */
export const secretOf = (existing: SecretKey, name: Expr<string>, key: string): SecretRef => ({
  name: choose(given(existing.name), existing.name, name),
  key: choose(given(existing.name), existing.key, key),
});

export const enrolmentSecret = (base: Base): SecretRef =>
  secretOf(base.shared.enrolment.existingSecret, base.object('enrolment'), 'token');

/** A Secret of one value, if the user gave the value and named no Secret; or without one, which the hub fills (`filled`). */
export const valueSecret = (
  base: Base,
  file: string,
  suffix: string,
  key: string,
  existing: SecretKey,
  value: Expr<string>,
  only: Expr<boolean>,
  filled?: Expr<boolean>,
): ReleaseObject => {
  const ours = and(only, given(value), not(given(existing.name)));
  return resource<k8s.KubeSecretProps>(file, filled === undefined ? ours : or(ours, filled), 'v1', 'Secret', {
    metadata: base.meta(base.object(suffix), { wave: WAVES.settings }),
    type: 'Opaque',
    // without `data` an upgrade, a rollback and a sync keep the existing content
    stringData: filled === undefined ? { [key]: value } : when(given(value), { [key]: value }),
  });
};

/** The Secret shared by hub and agents. `filled`: the hub makes the token. */
export function sharedObjects(base: Base, only: Expr<boolean>, filled?: Expr<boolean>): ReleaseObject[] {
  const { enrolment, ca } = base.shared;
  return [
    valueSecret(
      base,
      'shared/enrolment.yaml',
      'enrolment',
      'token',
      enrolment.existingSecret,
      enrolment.token,
      only,
      filled,
    ),
    resource<k8s.KubeConfigMapProps>(
      'shared/ca.yaml',
      and(only, given(ca.pem), not(given(ca.existingConfigMap))),
      'v1',
      'ConfigMap',
      {
        metadata: base.meta(base.object('ca'), { wave: WAVES.settings }),
        data: { [CA_FILE]: ca.pem },
      },
    ),
  ];
}
