// Bundles the programs: dist/hub.js, dist/agent.js and what they start. Workspace packages are bundled, npm packages are not.
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

/** `package` of `package/file`, `@scope/package` of `@scope/package/file`. */
const packageOf = (path) =>
  path
    .split('/')
    .slice(0, path.startsWith('@') ? 2 : 1)
    .join('/');

/** Where a package that is imported from `folder` is installed. */
function installed(name, folder) {
  for (let at = folder; ; at = dirname(at)) {
    const candidate = join(at, 'node_modules', name);
    if (existsSync(candidate)) return realpathSync(candidate);
    if (at === dirname(at)) return undefined;
  }
}

/**
 * Everything in node_modules stays an import; the workspace's own packages are bundled from their sources. The bundles live in
 * dist/, so their imports are resolved from the root: a package of which a workspace has another version would be the wrong one.
 */
const npmPackagesOutside = {
  name: 'npm-packages-outside',
  setup(plugin) {
    plugin.onResolve({ filter: /^[^./]/ }, (args) => {
      if (/^(@streamspace\/|clock-port|kube-client|lease-elector)/.test(args.path) || args.kind === 'entry-point')
        return undefined;
      const name = packageOf(args.path);
      const here = installed(name, args.resolveDir);
      const there = installed(name, root);
      if (here !== there)
        return {
          errors: [{ text: `${name} is ${here} for its importer and ${there} for dist/: let them be one version` }],
        };
      return { external: true };
    });
  },
};

/** `readFileSync(new URL('./some.lua', import.meta.url), 'utf8')` becomes the text itself. */
const luaInside = {
  name: 'lua-inside',
  setup(plugin) {
    plugin.onLoad({ filter: /[/\\]store[/\\]redis[/\\]scripts\.ts$/ }, async ({ path }) => {
      const watchFiles = [];
      const contents = (await readFile(path, 'utf8')).replaceAll(
        /readFileSync\(new URL\('(\.\/[\w-]+\.lua)', import\.meta\.url\), 'utf8'\)/g,
        (_, name) => {
          const file = join(dirname(path), name);
          watchFiles.push(file);
          return JSON.stringify(readFileSync(file, 'utf8'));
        },
      );
      return { contents, loader: 'ts', watchFiles };
    });
  },
};

const PROGRAMS = {
  hub: 'api/src/main.ts',
  agent: 'agent/src/main.ts',
  launcher: 'scripts/launcher/main.ts',
  keeper: 'scripts/launcher/keeper.ts',
  'session-host': 'agent/src/sessions/process/host/main.ts',
  'session-sandbox': 'agent/src/sessions/process/sandbox/main.ts',
};

/** Resolves with the names of the npm packages that the programs import. */
export async function buildPrograms(entryPoints = PROGRAMS, outdir = 'dist') {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints,
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    conditions: ['source'],
    sourcemap: true,
    metafile: true,
    logLevel: 'warning',
    plugins: [npmPackagesOutside, luaInside],
  });
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
  const outside = imports.filter(({ path, external }) => external === true && !isBuiltin(path));
  return [...new Set(outside.map(({ path }) => packageOf(path)))];
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
