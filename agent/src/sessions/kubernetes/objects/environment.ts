import type { V1EnvVar } from '@kubernetes/client-node';
import type { SessionSpec } from '@streamspace/protocol';
import { environmentOf } from '../../core/environment.ts';
import type { SessionObjectsConfig } from './settings.ts';

/** What a pod is made from: the template's part of a spec and, unless the pod waits for its session yet, whose it is. */
export type PodPlan = Pick<SessionSpec, 'template' | 'image' | 'cpu' | 'memory' | 'storage' | 'env'> &
  Partial<Pick<SessionSpec, 'id' | 'user'>> & { readonly home?: string };

/** What the session's program sees, as a pod has it. */
export function environment(spec: PodPlan, config: SessionObjectsConfig): V1EnvVar[] {
  return environmentOf(spec, config).map(([name, value]) => ({ name, value: literal(value) }));
}

/** Kubernetes expands `$(NAME)`, and reads `$$` as `$`: a template's text is meant as it is. */
const literal = (value: string): string => value.replaceAll('$', '$$$$');
