import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Agent, Session } from '@streamspace/protocol';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '@streamspace/testkit';
import { chromiumPath, launchChromium, needsChromium } from '../support/browser.ts';
import { blocksOf, root } from '../support/docs.ts';
import { hasNginx, needsNginx, Nginx } from '../support/nginx.ts';
import { until } from '../support/until.ts';

const SHOTS = process.env['SCREENSHOTS'];
/** Milliseconds for programs to come up on a busy machine. */
const SLOW_MS = 45_000;

/** What docs/hub.md says: the map, the location that takes the path away, the one that passes it on. */
const [MAP, STRIPS, PASSES_ON] = blocksOf('docs/hub.md', readFileSync(`${root}docs/hub.md`, 'utf8'))
  .filter(({ language }) => language === 'nginx')
  .map(({ text }) => text) as [string, string, string];
const WITHOUT_UPGRADE = STRIPS.replaceAll(/^.*(proxy_http_version|Upgrade|Connection).*\n/gm, '');

const skipped = chromiumPath === undefined || !hasNginx;

describe.skipIf(skipped)(needsNginx(needsChromium('behind a proxy, in Chromium')), () => {
  const folder = mkdtempSync(join(tmpdir(), 'streamspace-e2e-'));
  const children: ChildProcess[] = [];
  const secrets = {
    JWT_SECRET: randomBytes(32).toString('base64url'),
    ENROLMENT_TOKEN: `sse_${randomBytes(32).toString('base64url')}`,
  };
  let browser: Browser;
  let page: Page;
  let nginx: Nginx | undefined;
  let proxyPort: number;
  /** Of the hub that lives under a path, and of the one to which nobody said where it lives. */
  let ports: { path: number; plain: number };
  let log = '';

  const spawned = (program: string, env: Record<string, string>) => {
    const child = spawn(process.execPath, [`dist/${program}.js`], {
      cwd: root,
      env: { PATH: process.env['PATH'], HOME: folder, METRICS_PORT: '0', LOG_FORMAT: 'text', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (log = `${log}${chunk.toString()}`.slice(-20_000)));
    children.push(child);
  };
  /** A link that `hub link` prints. */
  const linkOf = (env: Record<string, string>): string =>
    spawnSync(process.execPath, ['dist/hub.js', 'link', '--user', 'ada', '--admin'], {
      cwd: root,
      env: { ...secrets, ...env },
      encoding: 'utf8',
    })
      .stdout.split('\n')
      .find((line) => line.includes('#token='))!;
  const publicUrl = () => `http://localhost:${proxyPort}/streamspace`;
  const api = async <T>(path: string, body?: object): Promise<T> => {
    const token = linkOf({}).split('#token=')[1]!;
    const answer = await fetch(`http://127.0.0.1:${ports.path}/api/v1${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  };
  const proxy = async (location: string, port = ports.path): Promise<void> => {
    await nginx?.stop();
    nginx = await Nginx.start(proxyPort, location.replace('127.0.0.1:8080', `127.0.0.1:${port}`), MAP);
  };
  const shot = async (name: string): Promise<void> => {
    if (SHOTS === undefined) return;
    mkdirSync(SHOTS, { recursive: true });
    await page.screenshot({ path: join(SHOTS, `${name}.png`) });
  };
  /** A page, and what it could not load. */
  const open = async (url: string): Promise<string[]> => {
    await page?.close();
    page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
    const failed: string[] = [];
    page.on('response', async (answer) => {
      if (answer.status() < 400) return;
      const at = failed.push(`${answer.status()} ${answer.url()}`) - 1;
      failed[at] += ` ${await answer.text().catch(String)}`;
    });
    await page.goto(url);
    return failed;
  };

  beforeAll(async () => {
    proxyPort = await freePort();
    ports = { path: await freePort(), plain: await freePort() };
    const shared = { ...secrets, HOST: '127.0.0.1' };
    // the agent comes to the other one meanwhile, where it is a stranger, and enrols again
    spawned('hub', { ...shared, PORT: `${ports.path}`, PUBLIC_URL: publicUrl(), ENROLMENT_TOKEN_AGENTS: 'far' });
    spawned('hub', {
      ...shared,
      PORT: `${ports.plain}`,
      ENROLMENT_TOKEN: `sse_${randomBytes(32).toString('base64url')}`,
    });
    spawned('agent', {
      AGENT_ID: 'far',
      CONTROL_PLANE_URL: `ws://localhost:${proxyPort}/streamspace`,
      PLATFORM: 'process',
      AGENT_TOKEN: secrets.ENROLMENT_TOKEN,
      STATE_DIR: join(folder, 'agent'),
      RECONNECT_DELAY: '200ms',
      MAX_RECONNECT_DELAY: '1s',
      LISTEN_HOST: '127.0.0.1',
      HEALTH_PORT: '0',
    });
    browser = await launchChromium();
  });
  afterEach(async () => {
    await page?.close();
  });
  afterAll(async () => {
    await browser?.close();
    const sessions = await api<{ items: Session[] }>('/sessions').catch(() => ({ items: [] }));
    for (const { id } of sessions.items) await api(`/sessions/${id}/hibernate`, {}).catch(() => undefined);
    await until('every desktop sleeps', async () =>
      (await api<{ items: Session[] }>('/sessions')).items.every(({ state }) => state === 'hibernated'),
    ).catch(() => undefined);
    for (const child of children.toReversed()) {
      const gone = once(child, 'exit');
      if (child.exitCode === null && child.kill('SIGTERM')) await gone;
    }
    await nginx?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const connected = () =>
    until(
      'the agent is connected',
      async () => {
        const { items } = await api<{ items: Agent[] }>('/agents');
        return items[0]?.connected;
      },
      SLOW_MS,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${log}`);
    });

  it.each([
    ['takes it away', STRIPS],
    ['passes it on', PASSES_ON],
  ])(
    'V3 a hub under a path, where nginx %s: page, API, events, screens, agents, links, /docs',
    async (kind, location) => {
      await proxy(location);
      await connected();
      const link = linkOf({ PUBLIC_URL: publicUrl() });
      expect(link).toMatch(new RegExp(`^${publicUrl()}/#token=`));
      const failed = await open(link);
      await page.locator('.page-head').first().waitFor();

      // an event of a session that is made meanwhile
      const { session } = await api<{ session: Session }>('/sessions', { template: 'terminal', name: `it ${kind}` });
      const card = page.getByText(`it ${kind}`).first();
      await card.waitFor();
      await until('it runs', async () => (await api<Session>(`/sessions/${session.id}`)).state === 'running', SLOW_MS);
      await page.goto(`${publicUrl()}/#/sessions/${session.id}`);
      const screen = page.locator('[data-testid=viewer][data-phase=connected]');
      await screen.waitFor();
      await page.reload();
      await screen.waitFor();
      await shot(`V3-path-${kind.replaceAll(' ', '-')}`);

      // without a slash at the end, and at a path that is the page's own
      for (const way of [`#/agents`, '/sessions/s-1#/agents']) {
        await page.goto(`${publicUrl()}${way}`);
        await page.locator('h1', { hasText: 'Agents' }).waitFor();
      }
      await page.goto(`${publicUrl()}/docs`);
      await page.locator('.swagger-ui .servers option', { hasText: publicUrl() }).waitFor({ state: 'attached' });
      await shot('V3-docs');
      await page.locator('.swagger-ui .info .title', { hasText: 'StreamSpace' }).waitFor();
      expect(failed).toEqual([]);
    },
  );

  it('V3 a proxy without Upgrade is named, with PUBLIC_URL and what the hub saw, and mended without a reload', async () => {
    await proxy(STRIPS);
    await connected();
    const { session } = await api<{ session: Session }>('/sessions', { template: 'terminal' });
    await until('it runs', async () => (await api<Session>(`/sessions/${session.id}`)).state === 'running', SLOW_MS);
    await proxy(WITHOUT_UPGRADE);
    await open(linkOf({ PUBLIC_URL: publicUrl() }));
    await page.goto(`${publicUrl()}/#/sessions/${session.id}`);
    const status = page.locator('[data-testid=viewer-status]');
    await status.getByText('No screen gets through').waitFor();
    const words = await status.textContent();
    for (const part of [
      'lose their Upgrade',
      'HTTP/1.0',
      `Host localhost:${proxyPort}`,
      `PUBLIC_URL is ${publicUrl()}`,
    ])
      expect(words).toContain(part);
    expect(words).toContain('proxy_set_header Upgrade $http_upgrade');
    await shot('V3-no-upgrade');
    await until('the agent says so, too', () => /lose their Upgrade header/.test(log));

    await proxy(PASSES_ON);
    await page.locator('[data-testid=viewer][data-phase=connected]').waitFor();
  });

  it.each([
    ['no Host', /^.*proxy_set_header Host.*\n/m, '', (): string => `127.0.0.1:${ports.plain}`],
    ['a Host without its port', '$http_host', '$host', (): string => 'localhost'],
  ])(
    'V3 behind a proxy that passes on %s the page says what is wrong, and what the hub saw',
    async (name, line, instead, saw) => {
      await proxy(
        STRIPS.replace(line, () => instead),
        ports.plain,
      );
      await open(linkOf({ PUBLIC_URL: publicUrl() }));
      await page.locator('[data-testid=create-first]').click();
      await page.locator('[data-testid=confirm-create]').click();
      const words = await page.locator('[data-testid=create-refusal]').textContent();
      expect(words).toContain(`Pages of http://localhost:${proxyPort} may not call this hub`);
      expect(words).toContain(`the request names the host ${saw()};`);
      expect(words).toContain(`set PUBLIC_URL=http://localhost:${proxyPort}`);
      await shot(`V3-${name.replaceAll(' ', '-')}`);
    },
  );

  it('V3 at another port than that of PUBLIC_URL the page says so, also in place of a screen', async () => {
    await proxy(STRIPS);
    await connected();
    const { session } = await api<{ session: Session }>('/sessions', { template: 'terminal' });
    await until('it runs', async () => (await api<Session>(`/sessions/${session.id}`)).state === 'running', SLOW_MS);
    const port = await freePort();
    const other = await Nginx.start(port, STRIPS.replace('127.0.0.1:8080', `127.0.0.1:${ports.path}`), MAP);
    try {
      await open(linkOf({ PUBLIC_URL: `http://localhost:${port}/streamspace` }));
      await page.goto(`http://localhost:${port}/streamspace/#/sessions/${session.id}`);
      const status = page.locator('[data-testid=viewer-status][data-kind=stopped]');
      const words = await status.textContent();
      expect(words).toContain(`Pages of http://localhost:${port} may not call this hub`);
      expect(words).toContain(`its own address is ${publicUrl()} (PUBLIC_URL)`);
      await shot('V3-another-port');
    } finally {
      await page.close();
      await other.stop();
    }
  });

  it('V3 under a path that nobody told the hub nothing is blank: what did not load says why', async () => {
    await proxy(STRIPS.replace('/streamspace/', '/elsewhere/'));
    await open(`http://localhost:${proxyPort}/elsewhere/`);
    const words = await page.locator('body').innerText();
    expect(words).toContain(`set PUBLIC_URL to the address that people open. It is ${publicUrl()}.`);
    await shot('V3-wrong-path');
  });
});
