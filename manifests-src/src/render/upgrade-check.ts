import type { Expr } from '../nodes/expression.ts';
import { goArgument, goText, type Helpers } from '../nodes/go.ts';

/** The claim of a StatefulSet, which no upgrade can change. */
export interface FixedClaim {
  readonly path: string;
  readonly only: Expr<boolean>;
  readonly name: Expr<string>;
  /** Whether there is a claim. */
  readonly enabled: Expr<boolean>;
  readonly size: Expr<string>;
  readonly storageClass: Expr<string>;
}

/**
 * Template text that refuses a changed claim, with the remedy; the API server would only report that it is
 * forbidden. It reads the cluster, so only `helm upgrade` does it; the rendered objects do not depend on it.
 */
export function upgradeCheck(claim: FixedClaim, helpers: Helpers): string[] {
  const name = goArgument(claim.name, helpers);
  const size = goArgument(claim.size, helpers);
  const storageClass = goArgument(claim.storageClass, helpers);
  const enabled = goText(claim.enabled, helpers);
  const remedy = (what: string) =>
    `{{- $problems = append $problems (printf "${claim.path}: ${what} of the claim data-%s-0 can’t be changed by an upgrade (a StatefulSet’s volumeClaimTemplates are fixed). Keep the value; or change the claim itself (kubectl patch pvc data-%s-0), then kubectl delete statefulset %s --cascade=orphan, and upgrade again: the pod and its data stay" ${name} ${name} ${name}) }}`;
  return [
    `{{- $set := lookup "apps/v1" "StatefulSet" $.Release.Namespace ${name} }}`,
    `{{- if and $set ${goArgument(claim.only, helpers)} }}`,
    '{{- $claims := dig "spec" "volumeClaimTemplates" (list) $set }}',
    `{{- if ne (not (empty $claims)) ${enabled.includes(' ') ? `(${enabled})` : enabled} }}`,
    remedy('enabled'),
    '{{- else if $claims }}',
    '{{- $spec := (first $claims).spec }}',
    `{{- if ne (include "streamspace.bytes" $spec.resources.requests.storage) (include "streamspace.bytes" ${size}) }}`,
    remedy('size'),
    '{{- end }}',
    `{{- if ne (default "" $spec.storageClassName) ${storageClass} }}`,
    remedy('storageClass'),
    '{{- end }}',
    '{{- end }}',
    '{{- end }}',
  ];
}

/** 2048Mi and 2Gi are the same. */
export const BYTES = `{{/*
Bytes of an amount such as 512Mi.
*/}}
{{- define "streamspace.bytes" -}}
{{- $units := dict "" 1.0 "m" 0.001 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "Ki" 1024.0 "Mi" 1048576.0 "Gi" 1073741824.0 "Ti" 1099511627776.0 -}}
{{- mulf (float64 (regexFind "^[0-9.]+" .)) (get $units (regexFind "[A-Za-z]*$" .)) -}}
{{- end }}`;
