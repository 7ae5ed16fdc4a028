import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Agent, Session } from '@streamspace/protocol';
import { decodeJwt, SignJWT } from 'jose';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findings } from '../support/accessibility.ts';
import { chromiumPath, launchChromium, needsChromium } from '../support/browser.ts';
import { Launched } from '../support/launched.ts';
import { until } from '../support/until.ts';

/** In the page: the size of the session's picture, once it shows something. */
const shown = (id: string): string => `(() => {
  const image = document.querySelector('[data-session-id=${id}] [data-testid=session-picture]');
  if (!image?.complete || image.naturalWidth === 0) return undefined;
  const { naturalWidth: width, naturalHeight: height } = image;
  const canvas = Object.assign(document.createElement('canvas'), { width, height });
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  const bytes = context.getImageData(0, 0, width, height).data;
  return bytes.some((byte, at) => at % 4 < 3 && byte > 0) ? { width, height } : undefined;
})()`;

const SHOTS = process.env['SCREENSHOTS'];

describe.skipIf(chromiumPath === undefined)(needsChromium('the list of sessions, in Chromium'), () => {
  let launched: Launched;
  let browser: Browser;

  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'streamspace-e2e-'));
    const quotas = join(folder, 'quotas.json');
    writeFileSync(quotas, JSON.stringify([{ sessions: 50, running: 20 }]));
    launched = await Launched.start(folder, { QUOTAS_FILE: quotas });
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await launched?.stop();
  });

  /** The sessions, signed in. */
  async function open(): Promise<Page> {
    const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
    await page.goto(launched.link.href);
    await page.locator('[data-testid=session-row]').first().waitFor();
    return page;
  }

  /** For people to look at, where SCREENSHOTS names a folder. */
  async function shot(page: Page, name: string): Promise<void> {
    if (SHOTS === undefined) return;
    mkdirSync(SHOTS, { recursive: true });
    await page.screenshot({ path: join(SHOTS, `${name}.png`) });
  }

  const first = async (): Promise<Session> => {
    const { items } = await launched.api<{ items: Session[] }>('GET', '/sessions');
    return items.at(-1)!;
  };

  it('P6 a user with limits sees how much of them is in use, and it follows the sessions', async () => {
    const page = await open();
    const line = page.locator('[data-testid=quota]');
    await line.filter({ hasText: 'Your quota: 1 of 50 sessions · 1 of 20 running' }).waitFor();
    const { id } = await first();
    await launched.api('POST', `/sessions/${id}/hibernate`, {});
    await line.filter({ hasText: 'Your quota: 1 of 50 sessions · 0 of 20 running' }).waitFor();
    await shot(page, 'P6-quota');
    await until('it sleeps', async () => (await first()).state === 'hibernated');
    await launched.api('POST', `/sessions/${id}/wake`, {});
    await line.filter({ hasText: '1 of 20 running' }).waitFor();
    await until('it runs', async () => (await first()).state === 'running');
    await page.close();
  });

  it('V8 the end of a sign-in is told two minutes before, and a new token keeps what is open', async () => {
    const { jwtSecret } = JSON.parse(readFileSync(join(launched.folder, 'secrets.json'), 'utf8')) as Record<
      string,
      string
    >;
    const claims = decodeJwt(launched.token);
    const token = await new SignJWT({ ...claims, exp: Math.floor(Date.now() / 1000) + 110 })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(new TextEncoder().encode(jwtSecret));
    const page = await (await browser.newContext()).newPage();
    await page.goto(new URL(`/#token=${token}`, launched.link).href);
    await page.locator('[data-testid=session-row]').first().waitFor();
    await page.locator('[data-testid=expiry]', { hasText: 'Your sign-in ends in' }).waitFor();
    await shot(page, 'V8-expiry');
    await page.locator('[data-testid=expiry-renew]').click();
    await page.locator('#new-token').fill(launched.token);
    await page.locator('[data-testid=renew]').click();
    await page.locator('[data-testid=expiry]').waitFor({ state: 'detached' });
    await page.locator('[data-testid=session-row]').first().waitFor();
    await page.close();
  });

  it('V10 an agent is drained by whoever says so twice', async () => {
    const page = await open();
    await page.goto(new URL('/#/agents/this-machine', launched.link).href);
    const button = page.locator('[data-testid=agent-drain]');
    const drains = async () => (await launched.api<Agent>('GET', '/agents/this-machine')).draining;
    await button.click();
    const dialog = page.locator('[data-testid=drain-dialog]', { hasText: 'takes no new sessions' });
    await dialog.waitFor();
    await dialog.getByText('Leave it online').click();
    await dialog.waitFor({ state: 'detached' });
    expect(await drains()).toBe(false);
    await button.click();
    await page.locator('[data-testid=drain-dialog-confirm]').click();
    await page.locator('[data-testid=agent-drain]', { hasText: 'Back online' }).waitFor();
    expect(await drains()).toBe(true);
    await button.click();
    await page.locator('[data-testid=agent-drain]', { hasText: 'Drain' }).waitFor();
    expect(await drains()).toBe(false);
    await page.close();
  });

  it('V9 a session is renamed where its name stands, by keys alone, and other tabs see it', async () => {
    const page = await open();
    const other = await open();
    const { id, name } = await first();
    const row = page.locator(`[data-session-id=${id}]`);
    const field = row.locator('[data-testid=session-rename]');
    const button = row.locator('[data-testid=rename-session]');
    await button.focus();
    await page.keyboard.press('Enter');
    await field.waitFor();
    expect(await field.inputValue()).toBe(name);
    expect(await findings(page, 'a session that is renamed')).toEqual([]);
    await shot(page, 'V9-rename');
    // not kept
    await page.keyboard.type('Nothing of this');
    await page.keyboard.press('Escape');
    await button.waitFor();
    expect((await first()).name).toBe(name);

    // the keyboard is where it was
    await page.keyboard.press('Enter');
    await field.waitFor();
    await page.keyboard.type('Büro 日本');
    await page.keyboard.press('Enter');
    await row.locator('h2', { hasText: 'Büro 日本' }).waitFor();
    await other.locator(`[data-session-id=${id}] h2`, { hasText: 'Büro 日本' }).waitFor();
    expect((await first()).name).toBe('Büro 日本');

    // what is refused is said, and stays to be mended
    await button.click();
    await field.fill('   ');
    await page.keyboard.press('Enter');
    await page.locator('[data-testid=toasts]', { hasText: 'something to see' }).waitFor();
    await field.fill('Desk');
    await page.keyboard.press('Enter');
    await row.locator('h2', { hasText: 'Desk' }).waitFor();

    // among others, too
    await page.locator('[data-testid=create-session]').click();
    await page.locator('[data-testid=session-name]').fill('Another');
    await page.locator('[data-testid=confirm-create]').click();
    await page.locator('[data-testid=session-row]', { hasText: 'Another' }).waitFor();
    await page.locator('[data-testid=list-layout]').click();
    await button.click();
    await field.fill('In a line');
    await field.blur();
    await row.locator('bdi', { hasText: 'In a line' }).waitFor();
    await shot(page, 'V9-lines');
    await until('it is stored', async () => (await first()).name === 'In a line');
    await page.reload();
    await row.locator('bdi', { hasText: 'In a line' }).waitFor();
    await page.context().close();
    await other.context().close();
  });

  it(
    'V9 a browser that never saw a session shows what it looks like, from its agent; asleep, what it looked like last',
    { timeout: 300_000 },
    async () => {
      const { session } = await launched.api<{ session: Session }>('POST', '/sessions', {
        template: 'desktop',
        name: 'Seen by nobody',
      });
      const page = await open();
      const row = page.locator(`[data-session-id=${session.id}]`);
      const picture = row.locator('[data-testid=session-picture]');
      await row.and(page.locator('[data-state=running]')).waitFor();
      await picture.waitFor({ timeout: 100_000 });
      // a desktop that only just begins is black: it is renewed
      const size = await until(
        'a picture of a desktop',
        () => page.evaluate<{ width: number; height: number } | undefined>(shown(session.id)),
        100_000,
      );
      expect(size.width).toBeLessThanOrEqual(480);
      expect(size.height).toBeLessThanOrEqual(360);
      expect(await findings(page, 'sessions with pictures')).toEqual([]);
      await shot(page, 'V9-pictures');

      await launched.api('POST', `/sessions/${session.id}/hibernate`, {});
      await row.and(page.locator('[data-state=hibernated]')).waitFor();
      const other = await open();
      await other
        .locator(`[data-session-id=${session.id}] [data-testid=session-picture]`)
        .waitFor({ timeout: 100_000 });
      await shot(other, 'V9-asleep');
      await other.context().close();
      await page.context().close();
    },
  );
});
