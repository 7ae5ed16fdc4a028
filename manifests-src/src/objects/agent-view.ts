import type { Expr } from '../nodes/expression.ts';
import type { Refs } from '../values/refs.ts';
import type { StreamspaceValues } from '../values/streamspace.ts';

type Values = StreamspaceValues['k8sAgent'];
type Group<T> = { readonly [K in keyof T]: Refs<T[K]> };

/** Input of the agent's objects, independent of the values' place in a chart. */
export interface AgentValues extends Omit<Group<Values>, 'enabled' | 'config' | 'resourceQuota'> {
  readonly enabled: Expr<boolean>;
  readonly config: Group<Values['config']>;
  readonly resourceQuota: Group<Values['resourceQuota']>;
  /** The hub of this release, if it installs one. */
  readonly hub: { readonly enabled: Expr<boolean>; readonly url: Expr<string>; readonly port: number } | undefined;
}
