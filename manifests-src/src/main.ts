// The cdk8s app: `cdk8s synth` at the root writes manifests/.
import { fileURLToPath } from 'node:url';
import { plainApp } from './render/plain.ts';

plainApp(
  fileURLToPath(new URL('../../test-values', import.meta.url)),
  process.env['CDK8S_OUTDIR'] ?? 'manifests',
).synth();
