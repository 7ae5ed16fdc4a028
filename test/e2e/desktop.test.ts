import { readdirSync } from 'node:fs';
import type { Agent, Session } from '@streamspace/protocol';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumPath, launchChromium, needsChromium } from '../support/browser.ts';
import { Launched, processesOf } from '../support/launched.ts';
import { until } from '../support/until.ts';

const pids = () => readdirSync('/proc').map(Number).filter(Number.isInteger);

/** What a function that runs in the page may name: these suites are checked without the browser's types. */
interface PageGlobals {
  document: { querySelector(selector: string): { toDataURL(): string } | null };
}

/** The pixels of the screen as the page shows them, as one string. */
const pixels = (page: Page): Promise<string> =>
  page.evaluate(
    () =>
      (globalThis as unknown as PageGlobals).document
        .querySelector('[data-testid=viewer-screen] canvas')
        ?.toDataURL() ?? '',
  );

/** Types until the picture is another one because of it: `text` must show up as a change beyond what the screen does by itself. */
async function typeAndSee(page: Page, text: string): Promise<void> {
  await page.locator('[data-testid=viewer-screen] canvas').click();
  const before = await pixels(page);
  await page.keyboard.type(text, { delay: 20 });
  await until(`the picture changes on typing ${text}`, async () => (await pixels(page)) !== before);
}

describe.skipIf(chromiumPath === undefined)(needsChromium('npm start, used in Chromium'), () => {
  let launched: Launched;
  let browser: Browser;
  let page: Page;
  const problems: string[] = [];

  beforeAll(async () => {
    launched = await Launched.start();
    browser = await launchChromium();
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    page.on('pageerror', (error) => problems.push(error.message));
    page.on(
      'requestfailed',
      (request) =>
        new URL(request.url()).host !== launched.link.host && problems.push(`another host: ${request.url()}`),
    );
  });

  afterAll(async () => {
    await browser?.close();
    await launched?.stop();
  });

  it('signs in by the printed link, which leaves no token in the address bar', async () => {
    await page.goto(launched.link.href);
    await page.locator('[data-testid=session-row]').first().waitFor();
    expect(page.url()).not.toContain('token');
  });

  it('shows the first desktop, and typing changes its pixels', async () => {
    await page.locator('[data-testid=open-session]').first().click();
    await page.locator('[data-testid=viewer][data-phase=connected]').waitFor();
    await until('a picture', async () => (await pixels(page)).length > 5_000);
    await typeAndSee(page, 'echo hello');
  });

  it('kill -9 of the leader: a standby serves, and the screen comes back by itself', async () => {
    const before = (await launched.api<{ items: Agent[] }>('GET', '/agents')).items[0]!;
    process.kill(launched.pidOf(before.leader!), 'SIGKILL');
    const after = await until('another leader', async () => {
      const agent = (await launched.api<{ items: Agent[] }>('GET', '/agents')).items[0]!;
      return agent.connected && agent.leader !== before.leader && agent;
    });
    expect(after.term).toBeGreaterThan(before.term);
    await page.locator('[data-testid=viewer][data-phase=connected]').waitFor();
    await typeAndSee(page, ' again');
  });

  it('draws the failover on the agent page, and the killed replica is a standby again', async () => {
    await page.locator('[data-testid=viewer-back]').click();
    await page.goto(new URL('/#/agents/this-machine', launched.link).href);
    await page.locator('[data-testid=timeline]').waitFor();
    await until(
      'two standbys',
      async () =>
        (await launched.api<Agent>('GET', '/agents/this-machine')).replicas.filter(({ role }) => role === 'standby')
          .length === 2,
    );
  });

  it('creates another session, hibernates, wakes and deletes it', async () => {
    await page.goto(new URL('/#/', launched.link).href);
    await page.locator('[data-testid=create-session]').click();
    await page.locator('[data-testid=template-card][data-template=terminal]').click();
    await page.locator('[data-testid=session-name]').fill('Second');
    await page.locator('[data-testid=confirm-create]').click();
    const row = page.locator('[data-testid=session-row]', { hasText: 'Second' });
    await row.and(page.locator('[data-state=running]')).waitFor();
    await row.locator('[data-testid=hibernate-session]').click();
    await row.and(page.locator('[data-state=hibernated]')).waitFor();
    await row.locator('[data-testid=wake-session]').click();
    await row.and(page.locator('[data-state=running]')).waitFor();
    await row.locator('[data-testid=open-session]').click();
    await page.locator('[data-testid=viewer][data-phase=connected]').waitFor();
    await page.locator('[data-testid=viewer-back]').click();
    await row.locator('[data-testid=delete-session]').click();
    await page.locator('[data-testid=confirm-delete]').click();
    await row.waitFor({ state: 'detached' });
  });

  it('had no error in the page, and asked no other host for anything', () => {
    expect(problems).toEqual([]);
  });

  it('Ctrl-C leaves no process behind; the next start finds the desktop asleep and wakes it', async () => {
    const { folder } = launched;
    const first = (await launched.api<{ items: Session[] }>('GET', '/sessions')).items;
    expect(processesOf(folder, pids).length).toBeGreaterThan(4);
    await launched.stop(true);
    expect(processesOf(folder, pids)).toEqual([]);
    launched = await Launched.start(folder);
    const second = (await launched.api<{ items: Session[] }>('GET', '/sessions')).items;
    expect(second.map(({ id, name, state }) => ({ id, name, state }))).toEqual(
      first.map(({ id, name }) => ({ id, name, state: 'running' })),
    );
  });

  it('a second start on the same folder is refused, and says where the first one is', async () => {
    await expect(Launched.start(launched.folder)).rejects.toThrow(
      `StreamSpace runs here already: ${launched.link.origin}`,
    );
  });

  it('a port in use is named, with the remedy', async () => {
    await expect(Launched.start(undefined, { PORT: launched.link.port })).rejects.toThrow(
      /Port \d+ is in use\. Give another: PORT=/,
    );
  });
});
