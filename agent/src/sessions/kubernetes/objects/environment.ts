import type { V1EnvVar } from '@kubernetes/client-node';
import type { SessionSpec } from '@streamspace/protocol';
import { environmentOf } from '../../core/environment.ts';
import type { SessionObjectsConfig } from './settings.ts';

/** The input of a pod: the template's part of a spec and, unless the pod still waits for a session, the identity of its session. */
export type PodPlan = Pick<SessionSpec, 'template' | 'image' | 'cpu' | 'memory' | 'storage' | 'env'> &
  Partial<Pick<SessionSpec, 'id' | 'user'>> & { readonly home?: string };

/** The environment of the session's program, in a pod's form. */
export function environment(spec: PodPlan, config: SessionObjectsConfig): V1EnvVar[] {
  return environmentOf(spec, config).map(([name, value]) => ({ name, value: literal(value) }));
}

/** Escapes a literal text: Kubernetes expands `$(NAME)` and reads `$$` as `$`, but a template's text has no expansions. */
const literal = (value: string): string => value.replaceAll('$', '$$$$');
