import type { RenderedObject } from './synth.ts';

const IMMUTABLE: Readonly<Record<string, readonly string[]>> = {
  Deployment: ['spec.selector'],
  StatefulSet: ['spec.selector', 'spec.serviceName', 'spec.volumeClaimTemplates', 'spec.podManagementPolicy'],
  Service: ['spec.clusterIP'],
  RoleBinding: ['roleRef'],
  Secret: ['type'],
  ConfigMap: ['immutable'],
};

const at = (thing: unknown, path: string): unknown =>
  path.split('.').reduce((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], thing);

/** Immutable fields of these objects, and their names: an object with a changed name is deleted and made again. */
export function immutableOf(objects: readonly RenderedObject[]): Record<string, unknown> {
  return Object.fromEntries(
    objects
      .filter(({ kind }) => kind in IMMUTABLE)
      .map((object) => [
        `${object.kind}/${object.metadata.namespace}/${object.metadata.name}`,
        Object.fromEntries(
          IMMUTABLE[object.kind]!.map((path) => [path, at(object, path)]).filter(([, value]) => value !== undefined),
        ),
      ]),
  );
}
