import { describe, expect, it } from 'vitest';
import { AgentMetrics } from '../../../agent/src/health/metrics.ts';
import { lift } from '../../src/nodes/expression.ts';
import { valueOf } from '../../src/nodes/evaluate.ts';
import { alerts } from '../../src/objects/alerts.ts';
import { dashboard } from '../../src/objects/dashboard.ts';

const context = {
  values: {},
  release: { name: 'a', namespace: 'b', service: 'c' },
  chart: { name: 'd', version: 'e', appVersion: 'f' },
};

describe('failure 16: names of metrics', () => {
  const texts = {
    alerts: alerts(lift('desktops'))
      .map(({ expr }) => valueOf(expr, context))
      .join('\n'),
    dashboard: JSON.stringify(dashboard()),
  };
  it.each(Object.entries(texts))('in the %s are the agent’s', async (_what, text) => {
    const emitted = await new AgentMetrics(() => 1).registry.getMetricsAsJSON();
    const known = new Set(emitted.map(({ name }) => name));
    const named = (text.match(/streamspace_[a-z_]+/g) ?? []).map((name) => name.replace(/_(bucket|count|sum)$/, ''));
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter((name) => !known.has(name))).toEqual([]);
  });
});
