import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Session } from '@streamspace/protocol';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findings } from '../support/accessibility.ts';
import { chromiumPath, launchChromium, needsChromium } from '../support/browser.ts';
import { Launched } from '../support/launched.ts';
import { useScreen } from '../support/screen.ts';
import { until } from '../support/until.ts';

const SHOTS = process.env['SCREENSHOTS'];

describe.skipIf(chromiumPath === undefined)(needsChromium('a session that nobody uses, in Chromium'), () => {
  let launched: Launched;
  let browser: Browser;

  beforeAll(async () => {
    // it is announced for half of that
    launched = await Launched.start(undefined, { SESSION_IDLE_TIMEOUT: '24s' });
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await launched?.stop();
  });

  /** For people to look at, where SCREENSHOTS names a folder. */
  async function shot(page: Page, name: string): Promise<void> {
    if (SHOTS === undefined) return;
    mkdirSync(SHOTS, { recursive: true });
    await page.screenshot({ path: join(SHOTS, `${name}.png`) });
  }

  const session = async (): Promise<Session> =>
    (await launched.api<{ items: Session[] }>('GET', '/sessions')).items.at(-1)!;

  it(
    'V2 is announced to whoever looks on, who keeps it awake; nobody does, and it sleeps',
    { timeout: 300_000 },
    async () => {
      const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
      const page = await context.newPage();
      await page.goto(launched.link.href);
      const row = page.locator('[data-testid=session-row]').first();
      await row.locator('[data-testid=open-session]').click();
      await useScreen(page);
      const notice = page.locator('[data-testid=sleep-notice]');
      const seconds = async () => Number.parseInt(await notice.locator('[data-testid=sleeps-in]').innerText());

      // view-only: nothing that this page does is input
      await page.locator('[data-testid=viewer-view-only]').click();
      await notice.waitFor();
      const first = await seconds();
      expect(first).toBeGreaterThan(0);
      expect(first).toBeLessThan(24);
      await until('it counts down', async () => (await seconds()) < first);
      expect(await page.title()).toBe(`Sleeps soon: ${(await session()).name} · StreamSpace`);
      await shot(page, 'V2-notice');
      await notice.locator('[data-testid=stay-awake]').click();
      await notice.waitFor({ state: 'detached' });
      expect((await session()).sleeps_at ?? null).toBeNull();

      // it is announced again, and typing does what the button does
      await notice.waitFor();
      expect((await session()).state).toBe('running');
      await page.locator('[data-testid=viewer-view-only]').click();
      await page.locator('[data-testid=viewer-screen] canvas').click();
      await notice.waitFor({ state: 'detached' });

      // from the list, too
      await page.locator('[data-testid=viewer-back]').click();
      await row.locator('[data-testid=stay-awake]').waitFor();
      await shot(page, 'V2-list');
      await row.locator('[data-testid=stay-awake]').click();
      await row.locator('[data-testid=stay-awake]').waitFor({ state: 'detached' });
      expect(await row.getAttribute('data-state')).toBe('running');

      // nobody does anything, though a page has it open
      await row.locator('[data-testid=open-session]').click();
      await page.locator('[data-testid=viewer][data-phase=connected]').waitFor();
      await notice.waitFor();
      expect(await findings(page, 'the notice before sleep')).toEqual([]);
      const asleep = page.locator('[data-testid=viewer][data-phase=hibernated]', {
        hasText: 'nobody used it for 24 s',
      });
      await asleep.waitFor({ timeout: 60_000 });
      await notice.waitFor({ state: 'detached' });
      await context.close();
    },
  );
});
