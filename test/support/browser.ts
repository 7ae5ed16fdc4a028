import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

export const chromiumPath: string | undefined = [
  process.env.CHROMIUM_PATH,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find((path) => path !== undefined && existsSync(path));

/** Title of a suite that needs a browser; contains the reason if there is none. */
export const needsChromium = (title: string): string =>
  chromiumPath === undefined
    ? `${title} (not run: no Chromium; apt-get install chromium, or set CHROMIUM_PATH)`
    : title;

/** `args`: more of Chromium's switches. */
export function launchChromium(...args: string[]): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath!,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...args,
    ],
  });
}
