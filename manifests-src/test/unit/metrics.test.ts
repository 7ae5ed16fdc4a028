import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
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
    alerts: alerts(lift('desktops'), 'agent')
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

describe('F18 alerts', () => {
  const all = alerts(lift('desktops'), 'release');
  it('of a release are those of observability/rules.yaml, within its namespace, with a page each', () => {
    const file = parse(readFileSync(new URL('../../../observability/rules.yaml', import.meta.url), 'utf8')) as {
      groups: { rules: { alert: string; expr: string }[] }[];
    };
    const pages = readFileSync(new URL('../../../docs/alerts.md', import.meta.url), 'utf8');
    expect(all.map(({ alert }) => alert)).toEqual(file.groups[0]!.rules.map(({ alert }) => alert));
    for (const each of all) {
      expect(pages).toContain(`## ${each.alert}\n`);
      expect(each.annotations.runbook_url).toMatch(new RegExp(`#${each.alert.toLowerCase()}$`));
      const written = valueOf(each.expr, context);
      const metrics = written.match(/(streamspace|nodejs)_\w+/g)!;
      expect(written.match(/\{namespace="desktops"/g)).toHaveLength(metrics.length);
    }
  });
  it.each(['StreamSpaceNoLeader', 'StreamSpaceTwoLeaders', 'StreamSpaceStoreDown', 'StreamSpaceStoreReplicaMissing'])(
    'that HA needs are there: %s',
    (name) => expect(all.map(({ alert }) => alert)).toContain(name),
  );
});
