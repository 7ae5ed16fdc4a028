import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Session } from '@streamspace/protocol';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { engineMissing, ensureDesktop } from '../../agent/test/integration/docker-place.ts';
import { chromiumPath, launchChromium, needsChromium } from '../support/browser.ts';
import { Launched } from '../support/launched.ts';
import { pixels } from '../support/screen.ts';
import { Site } from '../support/site.ts';
import { until } from '../support/until.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const missing = engineMissing();
const title = `desktops on a Docker engine, used in Chromium${missing === undefined ? '' : ` (not run: ${missing})`}`;

const docker = (...args: string[]): string => execFileSync('docker', args, { encoding: 'utf8' });

describe.skipIf(missing !== undefined || chromiumPath === undefined)(needsChromium(title), () => {
  const agentId = `docker-${process.pid}`;
  const agents = [agentId];
  let site: Site;
  let browser: Browser;
  let page: Page;
  const containers = (...more: string[]) =>
    docker('ps', '-aq', '--filter', `label=agent=${agentId}`, ...more)
      .split('\n')
      .filter((id) => id !== '');
  const running = () => containers('--filter', 'label=app=session', '--filter', 'status=running');

  beforeAll(async () => {
    ensureDesktop();
    const replica = {
      PLATFORM: 'docker',
      ENABLE_HA: 'true',
      SESSION_DEFAULT_CPU: '500m',
      SESSION_DEFAULT_MEMORY: '1Gi',
    };
    site = await Site.start(agentId, { one: replica, two: replica });
    browser = await launchChromium();
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  }, 900_000);

  afterAll(async () => {
    await browser?.close();
    await site?.stop();
    for (const id of agents) {
      const of = ['--filter', `label=agent=${id}`];
      const lines = (text: string) => text.split('\n').filter((line) => line !== '');
      const left = lines(docker('ps', '-aq', ...of));
      if (left.length > 0) docker('rm', '-fv', ...left);
      const homes = lines(docker('volume', 'ls', '-q', ...of));
      if (homes.length > 0) docker('volume', 'rm', ...homes);
    }
  }, 120_000);

  const row = () => page.locator('[data-testid=session-row]', { hasText: 'In a container' });
  /** Typed into the desktop's terminal, seen in the user's home; again while the terminal is still coming up. */
  const typed = async (file: string) => {
    await until(
      'what is typed reaches the container',
      async () => {
        await page.locator('[data-testid=viewer-screen] canvas').click();
        await page.keyboard.type(`touch ~/${file}\n`, { delay: 20 });
        return docker('exec', running()[0]!, 'ls', '/home/user').includes(file);
      },
      40_000,
    );
  };

  it('creates a desktop in the console; what is typed arrives', async () => {
    await page.goto(site.link);
    await page.locator('[data-testid=create-session]').click();
    await page.locator('[data-testid=template-card][data-template=desktop]').click();
    await page.locator('[data-testid=session-name]').fill('In a container');
    await page.locator('[data-testid=confirm-create]').click();
    await row().and(page.locator('[data-state=running]')).waitFor({ timeout: 90_000 });
    await row().locator('[data-testid=open-session]').click();
    await page.locator('[data-testid=viewer][data-phase=connected]').waitFor();
    await until('a picture', async () => (await pixels(page)).length > 5_000);
    await typed('before');
    mkdirSync(join(root, 'test-results'), { recursive: true });
    await page.screenshot({ path: join(root, 'test-results', 'docker-desktop.png') });
  });

  it('the leader is killed: the other replica serves the same container, and the screen comes back by itself', async () => {
    const [container] = running();
    const leader = (await site.agent())!.leader!;
    await site.kill(leader);
    await until('the other replica leads', async () => {
      const agent = await site.agent();
      return agent?.connected === true && agent.leader !== leader;
    });
    await page.locator('[data-testid=viewer][data-phase=connected]').waitFor({ timeout: 30_000 });
    await typed('after');
    expect(running()).toEqual([container]);
    expect((await site.api<{ items: Session[] }>('/sessions')).items).toMatchObject([
      { state: 'running', platform: 'docker' },
    ]);
  });

  it('sleeps and wakes with its home', async () => {
    await page.locator('[data-testid=viewer-back]').click();
    await row().locator('[data-testid=hibernate-session]').click();
    await page.locator('[data-testid=hibernate-dialog-confirm]').click();
    await row().and(page.locator('[data-state=hibernated]')).waitFor({ timeout: 60_000 });
    expect(running()).toEqual([]);
    await row().locator('[data-testid=wake-session]').click();
    await row().and(page.locator('[data-state=running]')).waitFor({ timeout: 90_000 });
    expect(docker('exec', running()[0]!, 'ls', '/home/user')).toMatch(/after\n(.*\n)*before/);
  });

  it('PLATFORM=docker npm start: the first desktop is a container, and goes to sleep with Ctrl-C', async () => {
    const launched = await Launched.start(undefined, { PLATFORM: 'docker' });
    try {
      expect(launched.output()).toMatch(/first desktop +My first desktop \([a-z0-9-]+\): running/);
      const [, id] = /agent "(this-machine-[0-9a-f]{8})"/.exec(launched.output())!;
      agents.push(id!);
      expect(docker('ps', '-q', '--filter', `label=agent=${id}`, '--filter', 'label=app=session').trim()).not.toBe('');
      await launched.stop();
      expect(docker('ps', '-aq', '--filter', `label=agent=${id}`, '--filter', 'label=app=session').trim()).toBe('');
    } finally {
      await launched.stop();
    }
  });

  it('npm start says which platforms it has', async () => {
    const refused = Launched.start(undefined, { PLATFORM: 'kubernetes' });
    await expect(refused).rejects.toThrow(/PLATFORM: npm start runs sessions as processes .* or with PLATFORM=docker/);
  });
});
