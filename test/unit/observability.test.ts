import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { allMetrics } from '../../scripts/generate/metrics.ts';
import { observability } from '../../scripts/generate/observability.ts';

const { hub, agent } = await allMetrics();
const emitted = new Map([...hub, ...agent].map((metric) => [metric.name, metric]));
/** Names of metrics in an expression, without what a histogram adds. */
const namesIn = (text: string) =>
  [...text.matchAll(/\b(?:streamspace|process|nodejs)_\w+/g)].map(([name]) => name.replace(/_(bucket|sum|count)$/, ''));

describe('failure 16: dashboards and alerts name only what is emitted', () => {
  it.each(['observability/dashboard.json', 'observability/rules.yaml'])('%s', async (path) => {
    const text = (await observability()).get(path)!;
    const names = namesIn(text);
    expect(names.length).toBeGreaterThan(5);
    for (const name of names) expect(emitted.has(name), name).toBe(true);
    // what is committed, too
    for (const name of namesIn(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')))
      expect(emitted.has(name), name).toBe(true);
  });

  it('a name that nobody emits is seen', () => {
    expect(namesIn('rate(streamspace_hub_nothing_total[5m])').every((name) => emitted.has(name))).toBe(false);
  });

  it('every metric of our own is on the dashboard', async () => {
    const shown = new Set(namesIn((await observability()).get('observability/dashboard.json')!));
    for (const name of emitted.keys()) if (name.startsWith('streamspace_')) expect(shown.has(name), name).toBe(true);
  });

  it('labels in expressions are labels of the metric', async () => {
    const text = [...(await observability()).values()].join('\n').replaceAll('\\"', '"');
    for (const [, name, selector] of text.matchAll(/(streamspace_\w+)\{([^}]*)\}/g)) {
      const metric = emitted.get(name!.replace(/_(bucket|sum|count)$/, ''))!;
      for (const [, label] of selector!.matchAll(/(\w+)(?:=~|!~|!=|=)/g))
        expect(metric.labels, `${name}{${label}}`).toContain(label);
    }
  });
});
