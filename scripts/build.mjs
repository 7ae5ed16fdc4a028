// Bundles the programs: dist/hub.js, dist/agent.js and what they start. Workspace packages are bundled, npm packages are not.
import { readdir, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Everything in node_modules stays an import; the workspace's own packages are bundled from their sources. */
const npmPackagesOutside = {
  name: 'npm-packages-outside',
  setup(plugin) {
    plugin.onResolve({ filter: /^[^./]/ }, (args) =>
      /^(@streamspace\/|clock-port|lease-elector)/.test(args.path) || args.kind === 'entry-point'
        ? undefined
        : { external: true },
    );
  },
};

export async function buildPrograms() {
  await build({
    absWorkingDir: root,
    entryPoints: {
      hub: 'api/src/main.ts',
      agent: 'agent/src/main.ts',
      launcher: 'scripts/launcher/main.ts',
      'session-host': 'agent/src/sessions/process/host/main.ts',
    },
    outdir: 'dist',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    conditions: ['source'],
    sourcemap: true,
    logLevel: 'warning',
    plugins: [npmPackagesOutside],
  });
}

export async function buildConsole() {
  const { build: vite } = await import('vite');
  await vite({ root: `${root}console`, logLevel: 'warn' });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await rm(`${root}dist`, { recursive: true, force: true });
  await buildPrograms();
  if ((await readdir(`${root}console`)).includes('vite.config.ts')) await buildConsole();
}
