import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '@streamspace/testkit';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLIENT, RealProvider } from '../../api/test/support/real-provider.ts';
import { findings } from '../support/accessibility.ts';
import { chromiumPath, launchChromium, needsChromium } from '../support/browser.ts';
import { until } from '../support/until.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const SHOTS = process.env['SCREENSHOTS'];

describe.skipIf(chromiumPath === undefined)(needsChromium('P1 sign-in at a provider, in Chromium'), () => {
  const folder = mkdtempSync(join(tmpdir(), 'streamspace-e2e-'));
  let provider: RealProvider;
  let hub: ChildProcess;
  let browser: Browser;
  let page: Page;
  let origin: string;
  let log = '';
  const problems: string[] = [];

  beforeAll(async () => {
    const port = await freePort();
    origin = `http://localhost:${port}`;
    provider = await RealProvider.start({
      redirectUris: [`${origin}/api/v1/sign-in/callback/company`],
      signedOut: `${origin}/`,
    });
    const declared = {
      id: 'company',
      name: 'The company',
      issuer: provider.issuer,
      client_id: CLIENT.id,
      scopes: ['profile', 'groups'],
      roles: [
        { role: 'admin', claim: 'groups', values: ['ops'] },
        { role: 'user', claim: 'groups', values: ['staff'] },
      ],
    };
    writeFileSync(
      join(folder, 'providers.json'),
      JSON.stringify([
        declared,
        { ...declared, id: 'other', name: 'A partner with a rather long name', user_prefix: 'other/' },
      ]),
    );
    hub = spawn(process.execPath, ['dist/hub.js'], {
      cwd: root,
      env: {
        PATH: process.env['PATH'],
        PORT: `${port}`,
        METRICS_PORT: '0',
        HOST: '127.0.0.1',
        JWT_SECRET: randomBytes(32).toString('base64url'),
        PUBLIC_URL: origin,
        OIDC_PROVIDERS_FILE: join(folder, 'providers.json'),
        OIDC_CLIENT_SECRETS: `company=${CLIENT.secret},other=${CLIENT.secret}`,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [hub.stdout!, hub.stderr!])
      stream.on('data', (chunk: Buffer) => (log = `${log}${chunk.toString()}`.slice(-20_000)));
    await until('the hub is ready', () =>
      fetch(`${origin}/ready`).then(
        ({ ok }) => ok,
        () => {
          if (hub.exitCode !== null) throw new Error(log);
          return false;
        },
      ),
    );
    browser = await launchChromium();
    page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
    page.on('pageerror', (error) => problems.push(error.message));
  });
  afterAll(async () => {
    await browser?.close();
    if (hub !== undefined && hub.exitCode === null) {
      const ended = once(hub, 'exit');
      hub.kill();
      await ended;
    }
    await provider?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const shot = async (name: string): Promise<void> => {
    if (SHOTS === undefined) return;
    mkdirSync(SHOTS, { recursive: true });
    for (const colorScheme of ['light', 'dark'] as const)
      for (const width of [1280, 390]) {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width, height: 800 });
        await page.screenshot({ path: join(SHOTS, `${name}-${colorScheme}-${width}.png`) });
      }
    await page.setViewportSize({ width: 1280, height: 800 });
  };
  const button = (id = 'company') => page.locator(`[data-testid=sign-in-provider][data-provider=${id}]`);
  const user = () => page.locator('[data-testid=user]');

  it('has a button for each provider, and goes back to the page that was asked for, signed in', async () => {
    await page.goto(`${origin}/#/agents`);
    await button().waitFor();
    expect(await page.locator('[data-testid=sign-in-provider]').allTextContents()).toEqual([
      'Sign in with The company',
      'Sign in with A partner with a rather long name',
    ]);
    expect(await findings(page, 'sign-in with providers')).toEqual([]);
    await shot('sign-in');
    await button().click();
    await user().waitFor();
    expect(await user().textContent()).toContain('Ann Ä.');
    expect(page.url()).toBe(`${origin}/#/agents`);
    await page.locator('[data-testid=live]', { hasText: 'Live' }).waitFor();
  });

  it('keeps no token where scripts are, and other tabs and a reload are signed in', async () => {
    expect(await page.evaluate('[document.cookie, JSON.stringify({ ...sessionStorage, ...localStorage })]')).toEqual([
      '',
      expect.not.stringMatching(/eyJ|token/),
    ]);
    await page.reload();
    await user().waitFor();
    const tab = await page.context().newPage();
    await tab.goto(`${origin}/`);
    await tab.locator('[data-testid=user]').waitFor();
    await tab.close();
  });

  it('signs out here and at the provider, which leads back', async () => {
    const tab = await page.context().newPage();
    await tab.goto(`${origin}/`);
    await tab.locator('[data-testid=user]').waitFor();
    await page.locator('[data-testid=sign-out]').click();
    await page.waitForURL(`${provider.issuer}/**`);
    // its question
    await page.locator('button[value=yes]').click();
    await page.waitForURL(`${origin}/`);
    await button().waitFor();
    await tab.locator('[data-testid=sign-in-provider]').first().waitFor();
    await tab.close();
    await page.reload();
    await button().waitFor();
  });

  it('says what an admin does when a sign-in fails, and the next one works', async () => {
    await button('other').click();
    await page.locator('[data-testid=sign-in-problem]', { hasText: 'does not lead back here' }).waitFor();
    await page.locator('summary', { hasText: 'For admins' }).click();
    expect(await page.locator('[data-testid=sign-in-remedy]').textContent()).toContain(
      `${origin}/api/v1/sign-in/callback/other`,
    );
    expect(await findings(page, 'a sign-in that failed')).toEqual([]);
    await shot('sign-in-problem');
    // an address shows only words of the page
    await page.goto(`${origin}/#/sign-in/call-0900-1234/x`);
    await page.locator('[data-testid=sign-in-problem]', { hasText: 'is not valid' }).waitFor();
    await button().click();
    await user().waitFor();
    expect(page.url()).toBe(`${origin}/#/`);
  });

  it('P3 lists the browsers, ends one of them, and an admin disables a user, who is out at once', async () => {
    const phone = await (await browser.newContext({ userAgent: 'Mozilla/5.0 (Android 15) Firefox/140.0' })).newPage();
    await phone.goto(`${origin}/`);
    await phone.locator('[data-testid=sign-in-provider][data-provider=company]').click();
    await phone.locator('[data-testid=user]').waitFor();
    await user().click();
    const rows = page.locator('[data-testid=sign-in-row]');
    await until('two browsers', async () => (await rows.count()) === 2);
    expect(await findings(page, 'sign-ins')).toEqual([]);
    await shot('people');
    await rows.filter({ hasText: 'Firefox on Android' }).locator('[data-testid=end-sign-in]').click();
    await phone.locator('[data-testid=sign-in-notice]', { hasText: 'Your sign-in has ended' }).waitFor();
    expect(await rows.count()).toBe(1);

    provider.account = 'bob';
    await phone.context().clearCookies();
    await phone.goto(`${origin}/#/`);
    await phone.locator('[data-testid=sign-in-provider][data-provider=company]').click();
    await phone.locator('[data-testid=user]', { hasText: 'Bob' }).waitFor();
    await page.locator('[data-testid=disable-name]').fill('company:bob');
    await page.locator('[data-testid=disable-user]').click();
    await page.locator('[data-testid=disable-dialog-confirm]').click();
    await page.locator('[data-testid=disabled-user][data-user="company:bob"]').waitFor();
    await phone.locator('[data-testid=sign-in-notice]').waitFor();
    await phone.locator('[data-testid=sign-in-provider][data-provider=company]').click();
    await phone.locator('[data-testid=sign-in-problem]', { hasText: 'An admin has disabled you' }).waitFor();
    await page.locator('[data-testid=enable-user]').click();
    await page.locator('[data-testid=disabled-user]').waitFor({ state: 'detached' });
    await phone.locator('[data-testid=sign-in-provider][data-provider=company]').click();
    await phone.locator('[data-testid=user]').waitFor();
    await phone.context().close();

    expect(problems).toEqual([]);
  });

  it('P8 shows who did what, with filters, and saves it for spreadsheets', async () => {
    await page.locator('nav a', { hasText: 'Audit' }).click();
    const entries = page.locator('[data-testid=audit-entry]');
    await entries.filter({ hasText: 'company:ann, as admin, disabled user company:bob' }).waitFor();
    await entries.filter({ hasText: 'Somebody signed in — refused (user_disabled), provider: company' }).waitFor();
    expect(await findings(page, 'the audit log')).toEqual([]);
    await shot('audit');
    await page.locator('[data-testid=audit-action]').selectOption('sign-out');
    await until('only sign-outs', async () =>
      (await entries.allTextContents()).every((text) => text.includes(' ended sign-in ')),
    );
    await page.locator('[data-testid=audit-user]').fill('nobody');
    await page.locator('[data-testid=audit-user]').press('Enter');
    await page.locator('.empty', { hasText: 'No entries' }).waitFor();
    await page.locator('[data-testid=audit-user]').fill('');
    await page.locator('[data-testid=audit-user]').press('Enter');
    await entries.first().waitFor();
    const [file] = await Promise.all([page.waitForEvent('download'), page.locator('[data-testid=audit-csv]').click()]);
    expect(file.suggestedFilename()).toBe('audit.csv');
    expect(readFileSync(await file.path(), 'utf8')).toMatch(/^seq,at,actor,.*\r\n\d+,.*,sign-out,/);
    await page.locator('[data-testid=user]').click();

    await page.locator('[data-testid=sign-out-everywhere]').click();
    await page.locator('[data-testid=sign-out-everywhere-dialog-confirm]').click();
    await page.waitForURL(`${provider.issuer}/**`);
    expect(problems).toEqual([]);
  });
});
