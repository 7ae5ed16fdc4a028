import { App } from 'cdk8s';
import { casesIn, EXAMPLE, plainCases } from './cases.ts';
import { addChart } from './synth.ts';

/** The cdk8s app of the plain manifests: one chart, and so one file, per case. */
export function plainApp(testValues: string, outdir: string): App {
  const app = new App({ outdir, outputFileExtension: '.yaml' });
  for (const each of plainCases(casesIn(testValues)))
    addChart(app, each.source, EXAMPLE, each.values, { id: each.name });
  return app;
}
