import { concat } from '../nodes/build.ts';
import type { Expr } from '../nodes/expression.ts';
import { ALERT_RULES, type AlertRule, runbook } from './alert-rules.ts';

/** The alerts of one release: its hub's and its agent's, or its agent's only. */
export function alerts(namespace: Expr<string>, of: 'release' | 'agent') {
  return ALERT_RULES.filter(({ expr }) => of === 'release' || expr.includes('streamspace_agent_')).map((rule) => ({
    alert: rule.alert,
    expr: within(rule, namespace),
    for: rule.for,
    labels: { severity: rule.severity },
    annotations: { summary: rule.summary, description: rule.description, runbook_url: runbook(rule) },
  }));
}

/** A rule's expression, of the metrics of one namespace. */
function within({ expr }: AlertRule, namespace: Expr<string>): Expr<string> {
  const parts: (string | Expr<string>)[] = [];
  let at = 0;
  for (const match of expr.matchAll(/\b((?:streamspace|nodejs)_\w+)(?:\{([^}]*)\})?/g)) {
    const [all, name, labels] = match;
    parts.push(
      `${expr.slice(at, match.index)}${name}{namespace="`,
      namespace,
      `"${labels === undefined ? '' : `,${labels}`}}`,
    );
    at = match.index + all.length;
  }
  return concat(...parts, expr.slice(at));
}
