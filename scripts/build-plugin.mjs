// Bundles Argo CD's plugin into one file that needs nothing but Node: argocd/dist/plugin.cjs
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

export async function buildPlugin(outfile = 'argocd/dist/plugin.cjs') {
  await build({
    absWorkingDir: root,
    entryPoints: ['manifests-src/src/plugin/main.ts'],
    outfile,
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    conditions: ['source'],
    minifySyntax: true,
    logLevel: 'warning',
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildPlugin();
