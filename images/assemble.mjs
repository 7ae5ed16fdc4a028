// Lays out what goes into the images, a folder an image, as it will lie in its root: node images/assemble.mjs FOLDER
import { chmod, cp, mkdir, readdir, readFile, rm, utimes, lutimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildPrograms } from '../scripts/build.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const out = process.argv[2] ?? fail('Which folder? node images/assemble.mjs FOLDER');
/** Seconds since 1970 that every file claims to be from: the same sources give the same layers. */
const epoch = Number(process.env.SOURCE_DATE_EPOCH ?? 0);
const { packages } = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8'));

function fail(text) {
  process.stderr.write(`${text}\n`);
  process.exit(2);
}

/** Folders in node_modules of what a workspace needs at run time, looked up as Node does it. */
function runtimeOf(workspace) {
  const found = new Set();
  const visit = (names, from) => {
    for (const name of names) {
      const folder = resolved(name, from);
      if (folder === undefined || found.has(folder)) continue;
      found.add(folder);
      const { link, resolved: target } = packages[folder];
      const at = link === true ? target : folder;
      visit(Object.keys({ ...packages[at].dependencies, ...packages[at].optionalDependencies }), at);
    }
  };
  visit(Object.keys(packages[workspace].dependencies), workspace);
  // bundled from their sources
  return [...found].filter((folder) => packages[folder].link !== true);
}

function resolved(name, from) {
  for (let at = from; ; at = at.includes('/node_modules/') ? at.slice(0, at.lastIndexOf('/node_modules/')) : '') {
    const folder = `${at === '' ? '' : `${at}/`}node_modules/${name}`;
    if (packages[folder] !== undefined) return folder;
    if (at === '') return undefined;
  }
}

/** What a program never opens: types, maps, documentation (licences stay), and binaries for other runtimes. */
const never = /\.(map|[cm]?ts|tsbuildinfo|markdown|md)$|\/(test|tests|docs|examples|prebuilds|benchmarks?|\.github)$/;
const wanted = (path) => !never.test(path) || /licen[cs]e|notice/i.test(path);

async function program(name, workspace, entryPoints, health) {
  const app = join(out, name, 'app');
  const imported = await buildPrograms(entryPoints, join(app, 'dist'));
  const runtime = runtimeOf(workspace);
  const missing = imported.filter((each) => !runtime.includes(`node_modules/${each}`));
  if (missing.length > 0)
    fail(`${workspace}/package.json: its programs import ${missing.join(', ')}; name it, or the workspace that has it`);
  for (const folder of runtime) {
    // an optional package of another platform
    await cp(join(root, folder), join(app, folder), { recursive: true, filter: wanted }).catch((error) => {
      if (error.code !== 'ENOENT' || packages[folder].optional !== true) throw error;
    });
  }
  for (const each of await readdir(join(app, 'dist'))) if (each.endsWith('.map')) await rm(join(app, 'dist', each));
  const { version } = packages[workspace];
  await writeFile(
    join(app, 'package.json'),
    `${JSON.stringify({ name: `streamspace-${name}`, version, type: 'module' })}\n`,
  );
  await writeFile(
    join(app, 'health.mjs'),
    `// For container engines that ask by a command; Kubernetes asks over HTTP.
const answer = await fetch(\`${health}\`, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
process.exit(answer?.ok ? 0 : 1);
`,
  );
  return app;
}

await rm(out, { recursive: true, force: true });
const api = await program(
  'api',
  'api',
  { hub: 'api/src/main.ts' },
  'http://127.0.0.1:${process.env.PORT ?? 8080}/api/v1/ready',
);
await cp(join(root, 'dist/console'), join(api, 'dist/console'), { recursive: true });
// `kubectl exec … -- hub link`
const hub = join(out, 'api/usr/local/bin/hub');
await mkdir(dirname(hub), { recursive: true });
await writeFile(hub, "#!/usr/bin/env node\nimport('/app/dist/hub.js');\n", { mode: 0o755 });
const agent = {
  agent: 'agent/src/main.ts',
  'session-host': 'agent/src/sessions/process/host/main.ts',
  'session-sandbox': 'agent/src/sessions/process/sandbox/main.ts',
};
await program('agent', 'agent', agent, 'http://127.0.0.1:${process.env.HEALTH_PORT ?? 8080}/health');
// where a volume may keep an agent's state: a new volume gets the mode of the folder that it covers, and the agent is no root
const state = join(out, 'agent/var/lib/streamspace');
await mkdir(state, { recursive: true });
await chmod(state, 0o1777);

const plugin = join(out, 'argocd-plugin');
for (const [from, to] of [
  ['argocd/plugin.yaml', 'home/argocd/cmp-server/config/plugin.yaml'],
  ['argocd/dist/plugin.cjs', 'usr/local/lib/streamspace/plugin.cjs'],
]) {
  await mkdir(dirname(join(plugin, to)), { recursive: true });
  await cp(join(root, from), join(plugin, to));
}

// depth first: what is written into a folder changes the folder's time
const entries = await readdir(out, { recursive: true, withFileTypes: true });
const paths = entries.map((entry) => [join(entry.parentPath, entry.name), entry]).sort(([a], [b]) => (a < b ? 1 : -1));
for (const [path, entry] of paths) await (entry.isSymbolicLink() ? lutimes : utimes)(path, epoch, epoch);
