import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SignJWT } from 'jose';
import type { Agent, Session } from '@streamspace/protocol';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clusterMissing, SessionCluster } from '../../agent/test/integration/kubernetes-cluster.ts';
import { chromiumPath, launchChromium, needsChromium } from '../support/browser.ts';
import { until } from '../support/until.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const missing = clusterMissing();
const title = `desktops in a cluster, used in Chromium${missing === undefined ? '' : ` (not run: ${missing})`}`;

/** What a function that runs in the page may name: these suites are checked without the browser's types. */
interface PageGlobals {
  document: { querySelector(selector: string): { toDataURL(): string } | null };
}
const pixels = (page: Page): Promise<string> =>
  page.evaluate(
    () =>
      (globalThis as unknown as PageGlobals).document
        .querySelector('[data-testid=viewer-screen] canvas')
        ?.toDataURL() ?? '',
  );

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
    let origin: string;
    let token: string;
    const folder = mkdtempSync(join(tmpdir(), 'streamspace-e2e-'));
    const children: ChildProcess[] = [];

    const start = (name: string, env: Record<string, string>): ChildProcess => {
      const child = spawn(process.execPath, [`dist/${name}.js`], {
        cwd: root,
        env: { PATH: process.env.PATH, HOME: folder, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const log: string[] = [];
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (chunk: Buffer) => {
          log.push(chunk.toString());
          writeFileSync(join(folder, `${name}.log`), log.join(''));
        });
      }
      children.push(child);
      return child;
    };
    const api = async <T>(path: string): Promise<T> => {
      const answer = await fetch(`${origin}/api/v1${path}`, { headers: { authorization: `Bearer ${token}` } });
      return (await answer.json()) as T;
    };

    beforeAll(async () => {
      cluster = await SessionCluster.create();
      cluster.kubectl('create', 'namespace', 'console');
      cluster.kubectl('label', 'namespace', 'console', 'pod-security.kubernetes.io/enforce=restricted');
      const probe = createServer().listen(0, '127.0.0.1');
      await once(probe, 'listening');
      const { port } = probe.address() as { port: number };
      probe.close();
      origin = `http://localhost:${port}`;
      const secret = randomBytes(32).toString('base64url');
      const enrolment = `sse_${randomBytes(32).toString('base64url')}`;
      token = await new SignJWT({ roles: ['admin', 'user'] })
        .setProtectedHeader({ alg: 'HS256' })
        .setSubject('ada')
        .setExpirationTime('1h')
        .sign(Buffer.from(secret));
      writeFileSync(join(folder, 'pod.yaml'), SMALL);
      start('hub', {
        PORT: String(port),
        METRICS_PORT: '0',
        HOST: '127.0.0.1',
        JWT_SECRET: secret,
        ENROLMENT_TOKEN: enrolment,
        PUBLIC_URL: origin,
      });
      start('agent', {
        AGENT_ID: 'kind',
        CONTROL_PLANE_URL: `ws://127.0.0.1:${port}`,
        PLATFORM: 'kubernetes',
        KUBECONFIG: cluster.path,
        NAMESPACE: 'console',
        SESSION_POD_TEMPLATE: join(folder, 'pod.yaml'),
        AGENT_TOKEN: enrolment,
        STATE_DIR: join(folder, 'agent'),
        RECONNECT_DELAY: '200ms',
        HEALTH_PORT: '0',
        METRICS_PORT: '0',
      });
      await until(
        'the agent is connected',
        async () => (await api<{ items: Agent[] }>('/agents').catch(() => ({ items: [] }))).items[0]?.connected,
      ).catch((error: unknown) => {
        throw new Error(
          `${String(error)}\n${['hub', 'agent'].map((name) => readFileSync(join(folder, `${name}.log`), 'utf8')).join('\n')}`,
        );
      });
      browser = await launchChromium();
      page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    }, 300_000);

    afterAll(async () => {
      await browser?.close();
      for (const child of children.reverse()) {
        const ended = once(child, 'exit');
        child.kill();
        if (child.exitCode === null) await ended;
      }
      await cluster?.remove();
      rmSync(folder, { recursive: true, force: true });
    }, 120_000);

    it('creates a desktop in the console; typing changes its pixels', async () => {
      await page.goto(`${origin}/#token=${token}`);
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
      const { items } = await api<{ items: Session[] }>('/sessions');
      expect(items).toMatchObject([{ state: 'running', platform: 'kubernetes' }]);
    });
  },
  200_000,
);
