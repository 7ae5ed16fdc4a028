import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findings } from '../support/accessibility.ts';
import { chromiumPath, launchChromium, needsChromium } from '../support/browser.ts';
import { Launched } from '../support/launched.ts';
import { command, content, fingers, hasXvnc, sentKeys, useScreen } from '../support/screen.ts';
import { until } from '../support/until.ts';

/** What functions that run in the page may name: these suites are checked without the browser's types. */
interface ClipboardGlobals {
  navigator: { clipboard: { readText(): Promise<string>; writeText(text: string): Promise<void> } };
}

interface KeyboardGlobals {
  navigator: { keyboard: { lock(): Promise<void>; unlock(): void } };
  document: { body: { dataset: Record<string, string> } };
}

const SHOTS = process.env['SCREENSHOTS'];

describe.skipIf(chromiumPath === undefined)(needsChromium('the viewer, in Chromium'), () => {
  let launched: Launched;
  let browser: Browser;
  const home = () =>
    join(launched.folder, 'agent/homes', readdirSync(join(launched.folder, 'agent/homes'))[0]!, 'desktop');

  beforeAll(async () => {
    // as a service is started: without a locale
    launched = await Launched.start(undefined, { LANG: '', LC_ALL: '', LC_CTYPE: '' });
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await launched?.stop();
  });

  /** The first session's page, signed in. `phone`: a small screen with fingers. */
  async function open(
    phone = false,
    size = phone ? { width: 390, height: 844 } : { width: 1280, height: 800 },
  ): Promise<{ page: Page; keys: string[] }> {
    const page = await (await browser.newContext({ viewport: size, hasTouch: phone, isMobile: phone })).newPage();
    const keys = sentKeys(page);
    await page.goto(launched.link.href);
    await page.locator('[data-testid=open-session]').first().click();
    await useScreen(page);
    return { page, keys };
  }

  /** For people to look at, where SCREENSHOTS names a folder. */
  async function shot(page: Page, name: string): Promise<void> {
    if (SHOTS === undefined) return;
    mkdirSync(SHOTS, { recursive: true });
    await page.screenshot({ path: join(SHOTS, `${name}.png`) });
  }

  it.skipIf(!hasXvnc)('V4 what input methods, pickers and dictation write arrives: 日本語, an emoji', async () => {
    const { page } = await open();
    const cdp = await page.context().newCDPSession(page);
    const file = join(home(), 'written');
    await command(page, 'cat > written', file);
    await cdp.send('Input.insertText', { text: 'naïve 😀 ' });
    for (const text of ['に', 'にほ', 'にほん'])
      await cdp.send('Input.imeSetComposition', { text, selectionStart: text.length, selectionEnd: text.length });
    await shot(page, 'V4-composition');
    await cdp.send('Input.insertText', { text: '日本語' });
    await page.keyboard.press('Enter');
    await page.keyboard.press('Control+d');
    await content(file, 'naïve 😀 日本語\n');
    await page.close();
  });

  it.skipIf(!hasXvnc)('V4 a phone has a keyboard, and the keys that it lacks', async () => {
    const { page, keys } = await open(true);
    const cdp = await page.context().newCDPSession(page);
    const file = join(home(), 'keys');
    const entry = page.locator('[data-testid=viewer-entry]');
    // a touch of the screen opens no keyboard
    expect(await entry.getAttribute('inputmode')).toBe('none');
    await page.locator('[data-testid=key-keyboard]').tap();
    expect(await entry.evaluate((field) => field.matches(':focus') && field.getAttribute('inputmode'))).toBe('text');
    await command(page, 'cat -v > keys', file);
    for (const key of ['escape', 'tab', 'left', 'functions', 'f5'])
      await page.locator(`[data-testid=key-${key}]`).tap();
    await shot(page, 'V4-phone');
    // as on-screen keyboards do: a letter too much, and deleted
    for (const text of ['o', 'ok', 'oka', 'ok'])
      await cdp.send('Input.imeSetComposition', { text, selectionStart: text.length, selectionEnd: text.length });
    await cdp.send('Input.insertText', { text: 'ok' });
    await cdp.send('Input.insertText', { text: '\n' });
    await page.locator('[data-testid=key-ctrl]').tap();
    expect(await page.locator('[data-testid=key-ctrl]').getAttribute('aria-pressed')).toBe('true');
    await cdp.send('Input.insertText', { text: 'd' });
    expect(await page.locator('[data-testid=key-ctrl]').getAttribute('aria-pressed')).toBe('false');
    await content(file, '^[\t^[[D^[[15~ok\n');
    expect(await entry.evaluate((field) => field.matches(':focus'))).toBe(true);

    keys.length = 0;
    await page.locator('[data-testid=key-alt-tab]').tap();
    await page.locator('[data-testid=key-ctrl-alt-del]').tap();
    const chords = '+ffe9 +ff09 -ff09 -ffe9 +ffe3 +ffe9 +ffff -ffff -ffe9 -ffe3';
    await until('chords', () => keys.join(' ') === chords);
    await page.close();
  });

  it('V4 at 1:1 one finger moves the desktop, two magnify it', async () => {
    const { page } = await open(true);
    const cdp = await page.context().newCDPSession(page);
    await page.locator('[data-testid=viewer-display]').tap();
    await page.locator('[data-testid=size-actual]').tap();
    await page.locator('[data-testid=viewer-display]').tap();
    const screen = page.locator('[data-testid=viewer-screen]');
    const canvas = screen.locator('canvas');
    const width = async () => (await canvas.boundingBox())!.width;
    const pixels = Number(await canvas.getAttribute('width'));
    await until('every pixel as it is', async () => (await width()) === pixels);
    // fingers that are slow are a long press: on a busy machine they try again
    await until('it has moved', async () => {
      await fingers(cdp, [
        [300, 400],
        [100, 300],
      ]);
      return screen.evaluate((holder) => holder.scrollLeft > 150);
    });
    await shot(page, 'V4-pan');
    await until('it is larger', async () => {
      await fingers(
        cdp,
        [
          [180, 400],
          [120, 400],
        ],
        [
          [220, 400],
          [280, 400],
        ],
      );
      return (await width()) > pixels * 1.8;
    });
    await shot(page, 'V4-pinch');
    await page.close();
  });

  it.skipIf(!hasXvnc)('V6 what is copied on one side is pasted on the other, without the panel', async () => {
    const { page } = await open();
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: launched.link.origin });
    const clipboard = () =>
      page.evaluate(() => (globalThis as unknown as ClipboardGlobals).navigator.clipboard.readText());
    const copy = (text: string) =>
      page.evaluate((it) => (globalThis as unknown as ClipboardGlobals).navigator.clipboard.writeText(it), text);
    const screen = page.locator('[data-testid=viewer-screen] canvas');
    const file = join(home(), 'pasted');
    // a desktop asks for what it pastes when it needs it: each line is waited for
    await copy('by mouse: für 日\n');
    await screen.click();
    await command(page, 'cat > pasted', file);
    await screen.click({ button: 'middle' });
    await content(file, 'by mouse: für 日\n');
    await copy('by keys: naïve\n');
    await page.keyboard.press('Shift+Insert');
    await content(file, 'by mouse: für 日\nby keys: naïve\n');
    await page.keyboard.press('Control+d');

    await command(page, String.raw`printf '\033[2J\033[Hcopied-there\n'; touch shown`, join(home(), 'shown'));
    await until('what was copied in the desktop', async () => {
      await screen.dblclick({ position: { x: 30, y: 30 } });
      return until('it', async () => (await clipboard()) === 'copied', 2_000);
    });

    // a draft stays when something is copied there, and what is too long is refused
    await page.locator('[data-testid=viewer-clipboard]').click();
    const text = page.locator('[data-testid=clipboard-text]');
    expect(await text.inputValue()).toBe('copied');
    await text.fill('my draft');
    await until('another copy', async () => {
      await screen.dblclick({ position: { x: 100, y: 30 } });
      await page.locator('[data-testid=clipboard-news]').waitFor({ timeout: 2_000 });
      return true;
    });
    expect(await text.inputValue()).toBe('my draft');
    await shot(page, 'V6-draft');
    await page.locator('[data-testid=clipboard-show]').click();
    expect(['my draft', 'copied']).not.toContain(await text.inputValue());
    await text.fill('x'.repeat(262_144));
    await page.locator('[data-testid=clipboard-send]').click();
    await page.locator('[data-testid=clipboard-said]', { hasText: 'takes 256 KiB' }).waitFor();
    await shot(page, 'V6-too-long');
    await page.locator('[data-testid=clipboard-text]').fill('x'.repeat(262_143));
    await page.locator('[data-testid=clipboard-send]').click();
    await page.locator('[data-testid=clipboard-said]', { hasText: 'Sent.' }).waitFor();
    await page.close();
  });

  it.skipIf(!hasXvnc)(
    'V7 the desktop takes the size of the first viewer that wants it, and never of a phone',
    async () => {
      const size = async ({ page }: { page: Page }) => {
        const canvas = page.locator('[data-testid=viewer-screen] canvas');
        return `${await canvas.getAttribute('width')}x${await canvas.getAttribute('height')}`;
      };
      const window = ({ page }: { page: Page }) =>
        page.locator('[data-testid=viewer-screen]').evaluate((at) => `${at.clientWidth}x${at.clientHeight}`);
      const first = await open();
      const its = await window(first);
      await until('the size of the first', async () => (await size(first)) === its);
      const phone = await open(true);
      const second = await open(false, { width: 900, height: 700 });
      await second.page.locator('[data-testid=viewer-display]').click();
      await second.page.locator('[data-testid=others-steer]').waitFor();
      await shot(second.page, 'V7-display');
      expect([await size(first), await size(phone), await size(second)]).toEqual([its, its, its]);
      // a page that is not in front may not be laid out
      await first.page.bringToFront();
      await first.page.setViewportSize({ width: 1100, height: 760 });
      await until(
        'its new size',
        async () => (await size(first)) !== its && (await size(first)) === (await window(first)),
      );
      await until('at all', async () => (await size(phone)) === (await size(first)));
      await first.page.close();
      await second.page.bringToFront();
      const next = await window(second);
      await until('the size of the second', async () => (await size(second)) === next);
      await second.page.close();
      expect(await size(phone)).toBe(next);
      await phone.page.close();
    },
  );

  it('V7 size, quality and view-only are remembered for the session, and the round trip is shown', async () => {
    const { page } = await open();
    await page.locator('[data-testid=viewer-display]').click();
    await page.locator('[data-testid=round-trip]', { hasText: /\d ms/ }).waitFor();
    await page.locator('[data-testid=size-fit]').check();
    await page.locator('[data-testid=quality]').selectOption('Best');
    await page.locator('[data-testid=compression]').selectOption('Most');
    await page.locator('[data-testid=viewer-view-only]').click();
    await page.locator('[data-testid=view-only]').waitFor();
    await shot(page, 'V7-settings');
    await page.reload();
    await page.locator('[data-testid=viewer][data-phase=connected]').waitFor();
    await page.locator('[data-testid=view-only]').waitFor();
    await page.locator('[data-testid=viewer-display]').click();
    expect(await page.locator('[data-testid=size-fit]').isChecked()).toBe(true);
    expect(await page.locator('[data-testid=quality]').inputValue()).toBe('9');
    expect(await page.locator('[data-testid=compression]').inputValue()).toBe('9');
    await page.close();
  });

  it('V5 in full screen the desktop has the keys of the browser, and a page with a screen asks before it is closed', async () => {
    const { page } = await open();
    await page.evaluate(() => {
      const { navigator, document } = globalThis as unknown as KeyboardGlobals;
      const { keyboard } = navigator;
      const lock = keyboard.lock.bind(keyboard);
      keyboard.lock = async () => {
        await lock();
        document.body.dataset['locked'] = 'yes';
      };
      keyboard.unlock = () => {
        document.body.dataset['locked'] = 'no';
      };
    });
    const locked = () => page.locator('body').getAttribute('data-locked');
    await page.locator('[data-testid=viewer-full-screen]').click();
    await until('the keys are locked', async () => (await locked()) === 'yes');
    await page.locator('[data-testid=viewer-full-screen]').click();
    await until('they are the browser’s again', async () => (await locked()) === 'no');

    const asked = page.waitForEvent('dialog');
    await page.close({ runBeforeUnload: true });
    const question = await asked;
    expect(question.type()).toBe('beforeunload');
    await question.dismiss();
    // it stays, and goes without a question where no screen is open
    await page.locator('[data-testid=viewer-back]').click();
    await page.locator('[data-testid=session-row]').first().waitFor();
    const gone = page.waitForEvent('close');
    await page.close({ runBeforeUnload: true });
    await gone;
  });

  it(
    'V10 axe finds nothing on any page and state, light and dark, wide and narrow; a deleted session keeps its name',
    { timeout: 300_000 },
    async () => {
      const { page } = await open();
      const found: string[] = [];
      const at = (id: string) => page.locator(`[data-testid=${id}]`).first();
      const look = async (state: string) => void found.push(...(await findings(page, state)));
      const goto = (path: string) => page.goto(new URL(`/#${path}`, launched.link).href);
      const { session } = await launched.api<{ session: { id: string } }>('POST', '/sessions', {
        template: 'terminal',
        name: 'Short-lived',
      });
      await at('viewer-keys').click();
      await at('key-functions').click();
      await look('viewer with keys');
      await at('viewer-display').click();
      await look('viewer with its display settings');
      await at('viewer-clipboard').click();
      await look('viewer with the clipboard');
      await goto('/sessions/none');
      await page.locator('[data-testid=viewer][data-phase=gone]').waitFor();
      await look('viewer of no session');
      await goto('/');
      await at('session-row').waitFor();
      await look('sessions');
      await at('create-session').click();
      await look('a new session');
      await page.keyboard.press('Escape');
      await at('hibernate-session').click();
      await look('the question before sleep');
      await page.keyboard.press('Escape');
      await at('list-layout').click();
      await at('select-session').check();
      await look('lines, one selected');
      await at('list-layout').click();
      await goto('/agents');
      await at('agent-row').waitFor();
      await look('agents');
      await goto('/agents/this-machine');
      await at('timeline').waitFor();
      await look('an agent');
      await goto('/nowhere');
      await look('no such page');

      await goto(`/sessions/${session.id}`);
      await page.locator('[data-testid=viewer][data-phase=connected]').waitFor();
      await launched.api('DELETE', `/sessions/${session.id}`);
      await page.locator('[data-testid=viewer][data-phase=gone]', { hasText: 'gone' }).waitFor();
      expect(await page.title()).toBe('Short-lived · StreamSpace');
      await page.locator('h1', { hasText: 'Short-lived' }).waitFor();

      await goto('/');
      await at('sign-out').click();
      await at('sign-in').waitFor();
      await look('sign-in');
      await page.close();
      expect(found).toEqual([]);
    },
  );
});
