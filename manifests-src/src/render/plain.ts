import { App } from 'cdk8s';
import { casesIn, EXAMPLE, plainCases } from './cases.ts';
import { addChart } from './synth.ts';

/** The cdk8s app of the plain manifests: a chart, and so a file, per way of running. */
export function plainApp(testValues: string, outdir: string): App {
  const app = new App({ outdir, outputFileExtension: '.yaml' });
  for (const each of plainCases(casesIn(testValues)))
    addChart(app, each.source, EXAMPLE, each.values, { id: each.name });
  return app;
}
