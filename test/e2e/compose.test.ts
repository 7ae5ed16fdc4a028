import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Agent, Session } from '@streamspace/protocol';
import { freePort } from '@streamspace/testkit';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { engineMissing, ensureDesktop } from '../../agent/test/integration/docker-place.ts';
import { buildPrograms, fetched, STORE } from '../../ci/kind/images.ts';
import { chromiumPath, launchChromium, needsChromium } from '../support/browser.ts';
import { runBlock } from '../support/docs.ts';
import { pixels } from '../support/screen.ts';
import { until } from '../support/until.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);
const IMAGES = ['streamspace/api', 'streamspace/agent'];
const composeMissing = () =>
  spawnSync('docker', ['compose', 'version'], { stdio: 'ignore' }).status === 0
    ? undefined
    : 'docker has no compose plugin';
const missing = engineMissing() ?? composeMissing();
const title = `deploy/compose.yaml, used in Chromium${missing === undefined ? '' : ` (not run: ${missing})`}`;

describe.skipIf(missing !== undefined || chromiumPath === undefined)(needsChromium(title), () => {
  const project = `compose-${process.pid}`;
  let environment: Record<string, string>;
  let browser: Browser;
  let page: Page;
  let link: URL;
  let removed = false;

  const compose = async (...args: string[]): Promise<string> =>
    (
      await run('docker', ['compose', '-f', 'deploy/compose.yaml', ...args], {
        cwd: root,
        env: { ...process.env, ...environment },
        maxBuffer: 1 << 24,
      })
    ).stdout;
  const docker = async (...args: string[]): Promise<string[]> =>
    (await run('docker', args)).stdout.split('\n').filter((line) => line !== '');
  const api = async <T>(path: string): Promise<T[]> => {
    const headers = { authorization: `Bearer ${link.hash.replace('#token=', '')}` };
    return ((await (await fetch(new URL(`/api/v1${path}`, link), { headers })).json()) as { items: T[] }).items;
  };
  const agent = async () => (await api<Agent>('/agents'))[0];
  const sessions = () => docker('ps', '-q', '--filter', `label=agent=${project}`, '--filter', 'label=app=session');

  beforeAll(async () => {
    ensureDesktop();
    // names of its own: what others on this machine build meanwhile is another version
    await buildPrograms(['api', 'agent'], project);
    await fetched(STORE);
    environment = {
      COMPOSE_PROJECT_NAME: project,
      STREAMSPACE_VERSION: project,
      STREAMSPACE_PORT: String(await freePort()),
      // for the agent alone, which comes from outside
      STREAMSPACE_BIND: '0.0.0.0',
    };
    const said = await runBlock('docs/docker.md#compose-up', environment);
    expect(said).toMatch(/First desktop: My first desktop \([a-z0-9-]+\) is on its way\./);
    link = new URL(/http:\/\/localhost:\d+\/#token=\S+/.exec(said)![0]);
    browser = await launchChromium();
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  }, 900_000);

  afterAll(async () => {
    await browser?.close();
    if (!removed) await runBlock('docs/docker.md#compose-remove', environment);
    await docker('rmi', ...IMAGES.map((image) => `${image}:${project}`));
  }, 120_000);

  const opened = (name: string) => page.locator('[data-testid=session-row]', { hasText: name });

  it('the link that `up` says leads to the first desktop', async () => {
    await page.goto(link.href);
    await opened('My first desktop').and(page.locator('[data-state=running]')).waitFor({ timeout: 90_000 });
    await opened('My first desktop').locator('[data-testid=open-session]').click();
    await page.locator('[data-testid=viewer][data-phase=connected]').waitFor();
    await until('a picture', async () => (await pixels(page)).length > 5_000);
    mkdirSync(join(root, 'test-results'), { recursive: true });
    await page.screenshot({ path: join(root, 'test-results', 'compose-desktop.png') });
    expect(await api<Session>('/sessions')).toMatchObject([{ state: 'running', platform: 'docker' }]);
  });

  it('the leading replica of the agent is killed: another leads, and the screen comes back by itself', async () => {
    const [container] = await sessions();
    const leader = (await agent())!.leader!;
    await docker('kill', leader);
    await until('another replica leads', async () => {
      const now = await agent();
      return now?.connected === true && now.leader !== leader;
    });
    await page.locator('[data-testid=viewer][data-phase=connected]').waitFor({ timeout: 30_000 });
    const before = await pixels(page);
    await until(
      'what is typed is seen',
      async () => {
        await page.locator('[data-testid=viewer-screen] canvas').click();
        await page.keyboard.type('echo back\n', { delay: 20 });
        return (await pixels(page)) !== before;
      },
      30_000,
    );
    expect(await sessions()).toEqual([container]);
  });

  it('no secret is in the settings of a container, none has a capability, and only the agent has the socket', async () => {
    const ids = await docker('ps', '-aq', '--filter', `label=com.docker.compose.project=${project}`);
    const { stdout } = await run('docker', ['inspect', ...ids], { maxBuffer: 1 << 24 });
    const containers = JSON.parse(stdout) as {
      Config: { Env: string[]; Labels: Record<string, string> };
      HostConfig: { ReadonlyRootfs: boolean; CapDrop: string[]; CapAdd: string[] | null; SecurityOpt: string[] };
      Mounts: { Type: string; Source: string }[];
    }[];
    expect(containers).toHaveLength(8);
    const secrets = (await compose('exec', '-T', 'hub', 'cat', '/run/streamspace/env')).match(/[\w-]{40,}/g)!;
    expect(secrets.length).toBeGreaterThanOrEqual(3);
    for (const { Config, HostConfig, Mounts } of containers) {
      const service = Config.Labels['com.docker.compose.service'];
      expect(HostConfig, service).toMatchObject({
        ReadonlyRootfs: true,
        CapDrop: ['ALL'],
        CapAdd: null,
        SecurityOpt: ['no-new-privileges:true'],
      });
      expect(Mounts.filter(({ Type }) => Type === 'bind').length, service).toBe(service === 'agent' ? 1 : 0);
    }
    for (const secret of secrets) expect(stdout).not.toContain(secret);
  });

  it('the store shows the agents leases and nothing else', async () => {
    const names = await compose('ps', '--status', 'running', '--format', '{{.Name}}', 'agent');
    const container = names.split('\n')[0]!;
    const asAgent = async (...command: string[]) =>
      (
        await docker(
          'exec',
          container,
          'node',
          '--env-file=/run/streamspace/env',
          '-e',
          `const { Redis } = require('/app/node_modules/ioredis');
           const redis = new Redis(process.env.LEASE_LOCK, { lazyConnect: true });
           redis.connect().then(() => redis.call(...process.argv.slice(1)))
             .then((answer) => console.log(String(answer)), (error) => console.log(error.message))
             .finally(() => redis.disconnect());`,
          ...command,
        )
      ).join('\n');
    expect(await asAgent('HGET', `{lease:${project}}`, 'record')).toContain('holder');
    expect(await asAgent('KEYS', '*')).toMatch(/no permissions/i);
    expect(await asAgent('HGETALL', 'streamspace:agents')).toMatch(/no permissions/i);
  });

  it('an agent alone, as the page has it, comes to this hub', async () => {
    const [, token] = /ENROLMENT_TOKEN=(\S+)/.exec(await compose('exec', '-T', 'hub', 'cat', '/run/streamspace/env'))!;
    // this host, as containers see it
    const [address] = await docker(
      'inspect',
      '-f',
      `{{(index .NetworkSettings.Networks "${project}_outside").Gateway}}`,
      `${project}-hub-1`,
    );
    expect(address).toMatch(/^\d+\./);
    try {
      await runBlock('docs/docker.md#agent-alone', {
        ...environment,
        HUB_URL: `ws://${address}:${environment['STREAMSPACE_PORT']}`,
        TOKEN: token!,
      });
      await until('it is connected', async () =>
        (await api<Agent>('/agents')).some(({ id, connected }) => id === 'docker-1' && connected),
      );
    } finally {
      await docker('rm', '-fv', 'streamspace-agent').catch(() => undefined);
      await docker('volume', 'rm', 'streamspace-agent').catch(() => undefined);
    }
  });

  it('what the page says removes everything leaves nothing', async () => {
    await runBlock('docs/docker.md#compose-remove', environment);
    removed = true;
    const label = `label=com.docker.compose.project=${project}`;
    for (const filter of [label, `label=agent=${project}`]) {
      expect(await docker('ps', '-aq', '--filter', filter)).toEqual([]);
      expect(await docker('volume', 'ls', '-q', '--filter', filter)).toEqual([]);
      expect(await docker('network', 'ls', '-q', '--filter', filter)).toEqual([]);
    }
  });
});
