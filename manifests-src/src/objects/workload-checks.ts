import {
  add,
  and,
  choose,
  clashes,
  concat,
  div,
  eq,
  ge,
  given,
  gt,
  hasKey,
  isString,
  missing,
  mul,
  ne,
  not,
  asText,
  toInteger,
  trimSuffix,
} from '../nodes/build.ts';
import type { Expr } from '../nodes/expression.ts';
import { type Check, refuse } from './check.ts';
import type { Workload } from './pod.ts';

export function disruptionChecks(
  path: string,
  pdb: Workload['pdb'],
  replicas: Expr<number>,
  only: Expr<boolean>,
): Check[] {
  const on = and(only, pdb.enabled);
  const several = and(on, gt(replicas, 1));
  // an empty text means no value; 0 is a given number
  const isNone = (x: Expr<number | string>) => and(ne(asText(x), ''), eq(pods(x), 0));
  const stays = ne(asText(pdb.minAvailable), '');
  // like the disruption controller, which rounds a share up
  const pods = (x: Expr<number | string>) =>
    choose(isString(x), div(add(mul(toInteger(trimSuffix(asText(x), '%')), replicas), 99), 100), toInteger(x));
  return [
    refuse(
      and(on, given(pdb.minAvailable), given(pdb.maxUnavailable)),
      `${path}.pdb: minAvailable and maxUnavailable are both set; leave one of them empty`,
    ),
    refuse(
      and(several, stays, ge(pods(pdb.minAvailable), replicas)),
      concat(
        `${path}.pdb.minAvailable: `,
        asText(pdb.minAvailable),
        ' of ',
        asText(replicas),
        ' replicas, rounded up, are all of them: no drain would ever end; take less, or set pdb.maxUnavailable instead',
      ),
    ),
    refuse(
      and(several, isNone(pdb.minAvailable)),
      `${path}.pdb.minAvailable: 0 protects nothing; take more, leave it empty for maxUnavailable, or set pdb.enabled=false`,
    ),
    refuse(
      and(several, isNone(pdb.maxUnavailable)),
      `${path}.pdb.maxUnavailable: 0 blocks every drain; take more, or leave it empty for 1`,
    ),
  ];
}

/** Duplicate variables: Kubernetes would use the last, and an apply would complain. */
export function variableChecks(
  path: string,
  extraEnv: Workload['extraEnv'],
  own: readonly string[],
  only: Expr<boolean>,
): Check[] {
  const twice = clashes(extraEnv, own);
  return [
    refuse(
      and(only, given(twice)),
      concat(
        `${path}.extraEnv: `,
        twice,
        ' is set by the chart already, or twice here; use the value of the chart (README.md has them), and name each variable once',
      ),
    ),
  ];
}

export function logFileChecks(path: string, logFile: Workload['logFile'], only: Expr<boolean>): Check[] {
  const named = and(hasKey(logFile.sidecar, 'name'), hasKey(logFile.sidecar, 'image'));
  return [
    refuse(
      and(only, given(logFile.sidecar), not(named)),
      `${path}.logFile.sidecar: needs a name and an image, as any container`,
    ),
    refuse(
      and(only, logFile.enabled, missing(logFile.command)),
      `${path}.logFile.command: name what the image runs, e.g. [node, dist/agent.js]`,
    ),
  ];
}
