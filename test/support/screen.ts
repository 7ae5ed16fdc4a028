import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { CDPSession, Page } from 'playwright-core';
import { until } from './until.ts';

export const hasXvnc = existsSync('/usr/bin/Xvnc') && existsSync('/usr/bin/xterm');

/** What a function that runs in the page may name: the suites are checked without the browser's types. */
interface PageGlobals {
  document: { querySelector(selector: string): { toDataURL(): string } | null };
}

/** The pixels of the screen as the page shows them, as one string. */
export const pixels = (page: Page): Promise<string> =>
  page.evaluate(
    () =>
      (globalThis as unknown as PageGlobals).document
        .querySelector('[data-testid=viewer-screen] canvas')
        ?.toDataURL() ?? '',
  );

/** Waits until the page shows the desktop, and gives it the keyboard. */
export async function useScreen(page: Page): Promise<void> {
  await page.locator('[data-testid=viewer][data-phase=connected]').waitFor();
  await page.locator('[data-testid=viewer-screen] canvas').click();
}

/** Types a command into the desktop's terminal, once, and waits for its file. The terminal may still be starting, which is checked before. */
export async function command(page: Page, line: string, file: string): Promise<void> {
  const type = async (text: string) => {
    await page.keyboard.type(text, { delay: 15 });
    await page.keyboard.press('Enter');
  };
  const ready = `${file}.ready`;
  await until('a terminal that listens', async () => {
    await type(`touch ${basename(ready)}`);
    return until(ready, () => existsSync(ready), 2_000);
  });
  await type(line);
  await until(file, () => existsSync(file));
}

/** The file's content, as soon as it is `wanted`. */
export async function content(file: string, wanted: string): Promise<void> {
  let found = '';
  await until(`${wanted} in ${file}`, () => (found = readFileSync(file, 'utf8')) === wanted).catch((error: unknown) => {
    throw new Error(`it holds ${JSON.stringify(found)}`, { cause: error });
  });
}

/** Keysyms that the page sends to a desktop from now on: `+ffe3` pressed, `-ffe3` released. */
export function sentKeys(page: Page): string[] {
  const keys: string[] = [];
  page.on('websocket', (socket) =>
    socket.on('framesent', ({ payload }) => {
      if (typeof payload === 'string') return;
      // QEMU's extended key event, or the plain one
      if (payload[0] === 255 && payload[1] === 0 && payload.length === 12)
        keys.push(`${payload[3] === 1 ? '+' : '-'}${payload.readUInt32BE(4).toString(16)}`);
      if (payload[0] === 4 && payload.length === 8)
        keys.push(`${payload[1] === 1 ? '+' : '-'}${payload.readUInt32BE(4).toString(16)}`);
    }),
  );
  return keys;
}

/** Fingers on the page, each from one point to another in steps. */
export async function fingers(
  cdp: CDPSession,
  ...paths: [from: [number, number], to: [number, number]][]
): Promise<void> {
  const at = (share: number) =>
    paths.map(([[x, y], [toX, toY]], id) => ({ id, x: x + (toX - x) * share, y: y + (toY - y) * share }));
  await cdp.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: at(0) });
  for (let step = 1; step <= 4; step++)
    await cdp.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: at(step / 4) });
  await cdp.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
}
