import { root } from './root.ts';
import { run } from './host.ts';

/** Built from this checkout; the names are the charts'. */
export const PROGRAMS = { api: 'streamspace/api:0.1.0', agent: 'streamspace/agent:0.1.0' } as const;
export const DESKTOP = 'streamspace/desktop:latest';
export const STORE = 'valkey/valkey:8.1';
export const PLUGIN = 'ghcr.io/streamspace-dev/argocd-plugin:0.1.0';

async function revision(): Promise<string> {
  return (await run('git', ['-C', root, 'rev-parse', 'HEAD']).catch(() => 'unknown')).trim();
}

/**
 * Builds images of the programs. Their layers depend on the sources alone: unchanged sources cost a second. `version`: their tag, if it is not
 * the charts'.
 */
export async function buildPrograms(
  targets: readonly ('api' | 'agent' | 'argocd-plugin')[],
  version?: string,
): Promise<void> {
  const commit = await revision();
  for (const target of targets) {
    const name = target === 'argocd-plugin' ? PLUGIN : PROGRAMS[target];
    const tag = version === undefined ? name : name.replace(/:[^:]*$/, `:${version}`);
    const labels = ['--build-arg', `REVISION=${commit}`];
    await run('docker', [
      'build',
      '-q',
      '-f',
      `${root}images/Dockerfile`,
      '--target',
      target,
      '-t',
      tag,
      ...labels,
      root,
    ]);
  }
}

/** The desktop's image takes minutes (Chromium); an existing one is used unchanged. */
export async function buildDesktop(): Promise<void> {
  const there = await run('docker', ['image', 'inspect', DESKTOP]).then(
    () => true,
    () => false,
  );
  if (!there) await run('docker', ['build', '-q', '-t', DESKTOP, `${root}images/desktop`]);
}

/** Pulls foreign images, unless they are present. */
export async function fetched(image: string): Promise<void> {
  await run('docker', ['image', 'inspect', image]).catch(() => run('docker', ['pull', '-q', image]));
}
