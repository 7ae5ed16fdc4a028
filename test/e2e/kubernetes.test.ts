import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Session } from '@streamspace/protocol';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clusterMissing, SessionCluster } from '../../agent/test/integration/kubernetes-cluster.ts';
import { chromiumPath, launchChromium, needsChromium } from '../support/browser.ts';
import { pixels } from '../support/screen.ts';
import { Site } from '../support/site.ts';
import { until } from '../support/until.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const missing = clusterMissing();
const title = `desktops in a cluster, used in Chromium${missing === undefined ? '' : ` (not run: ${missing})`}`;

/** One machine for everything: a desktop's default size would not fit. */
const SMALL = `apiVersion: v1
kind: Pod
spec:
  containers:
    - name: session
      resources: { requests: { cpu: 10m, memory: 64Mi }, limits: { cpu: null } }
`;

describe.skipIf(missing !== undefined || chromiumPath === undefined)(
  needsChromium(title),
  () => {
    let cluster: SessionCluster;
    let browser: Browser;
    let page: Page;
    let site: Site;
    const folder = mkdtempSync(join(tmpdir(), 'streamspace-e2e-'));

    beforeAll(async () => {
      cluster = await SessionCluster.create();
      cluster.kubectl('create', 'namespace', 'console');
      cluster.kubectl('label', 'namespace', 'console', 'pod-security.kubernetes.io/enforce=restricted');
      writeFileSync(join(folder, 'pod.yaml'), SMALL);
      site = await Site.start('kind', {
        kind: {
          PLATFORM: 'kubernetes',
          KUBECONFIG: cluster.path,
          NAMESPACE: 'console',
          SESSION_POD_TEMPLATE: join(folder, 'pod.yaml'),
        },
      });
      browser = await launchChromium();
      page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    }, 300_000);

    afterAll(async () => {
      await browser?.close();
      await site?.stop();
      await cluster?.remove();
      rmSync(folder, { recursive: true, force: true });
    }, 120_000);

    it('creates a desktop in the console; typing changes its pixels', async () => {
      await page.goto(site.link);
      await page.locator('[data-testid=create-session]').click();
      await page.locator('[data-testid=template-card][data-template=desktop]').click();
      await page.locator('[data-testid=session-name]').fill('In the cluster');
      await page.locator('[data-testid=confirm-create]').click();
      const row = page.locator('[data-testid=session-row]', { hasText: 'In the cluster' });
      await row.and(page.locator('[data-state=running]')).waitFor({ timeout: 90_000 });
      await row.locator('[data-testid=open-session]').click();
      await page.locator('[data-testid=viewer][data-phase=connected]').waitFor();
      await until('a picture', async () => (await pixels(page)).length > 5_000);
      // typed into the desktop's terminal, seen in the user's home; again while the terminal is still coming up
      const pod = cluster.kubectl('get', 'pods', '-n', 'console', '-o', 'name').trim();
      await until(
        'what is typed reaches the pod',
        async () => {
          await page.locator('[data-testid=viewer-screen] canvas').click();
          await page.keyboard.type('uname -sn; ls -ld ~ /; touch ~/typed\n', { delay: 20 });
          return cluster.kubectl('exec', '-n', 'console', pod, '--', 'ls', '/home/user').includes('typed');
        },
        40_000,
      );
      mkdirSync(join(root, 'test-results'), { recursive: true });
      await page.screenshot({ path: join(root, 'test-results', 'kubernetes-desktop.png') });
    });

    it('sleeps and wakes with its screen', async () => {
      await page.locator('[data-testid=viewer-back]').click();
      const row = page.locator('[data-testid=session-row]', { hasText: 'In the cluster' });
      await row.locator('[data-testid=hibernate-session]').click();
      await page.locator('[data-testid=hibernate-dialog-confirm]').click();
      await row.and(page.locator('[data-state=hibernated]')).waitFor({ timeout: 60_000 });
      await row.locator('[data-testid=wake-session]').click();
      await row.and(page.locator('[data-state=running]')).waitFor({ timeout: 90_000 });
      await row.locator('[data-testid=open-session]').click();
      await page.locator('[data-testid=viewer][data-phase=connected]').waitFor();
      await until('a picture', async () => (await pixels(page)).length > 5_000);
      const { items } = await site.api<{ items: Session[] }>('/sessions');
      expect(items).toMatchObject([{ state: 'running', platform: 'kubernetes' }]);
    });
  },
  200_000,
);
