import type { Expr } from '../nodes/expression.ts';
import type { Tree } from '../nodes/tree.ts';

/** One object of a release, still with its expressions. */
export interface ReleaseObject {
  /** File of the chart that holds it, below templates/. */
  readonly file: string;
  /** Condition for its presence. */
  readonly when: Expr<boolean>;
  readonly tree: { readonly apiVersion: string; readonly kind: string };
  /** A test of the chart: rendered by Helm only. */
  readonly test?: boolean;
}

/** Defines an object; `T` is its kind's properties, e.g. k8s.KubeDeploymentProps. */
export const resource = <T extends object>(
  file: string,
  when: Expr<boolean>,
  apiVersion: string,
  kind: string,
  tree: Tree<T>,
): ReleaseObject => ({ file, when, tree: { apiVersion, kind, ...(tree as object) } });

/** A custom resource, without generated types. */
export const custom = (
  file: string,
  when: Expr<boolean>,
  apiVersion: string,
  kind: string,
  tree: object,
): ReleaseObject => ({
  file,
  when,
  tree: { apiVersion, kind, ...tree },
});
