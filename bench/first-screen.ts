// npm run bench:first-screen [-- --name NAME] [--template desktop] [--rounds 3]
// From an empty cluster to a desktop on the screen, by the commands of docs/install.md: the chart with no values into a kind cluster that has the images, the link, the
// page in Chromium, a session of the template, its first picture. Prints a table in seconds; the last picture is test-results/first-screen.png.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { cpus } from 'node:os';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { systemClock } from 'clock-port';
import type { Page } from 'playwright-core';
import { type KindCluster, makeCluster } from '../ci/kind/cluster.ts';
import { whyNoKind } from '../ci/kind/host.ts';
import { buildDesktop, buildPrograms, DESKTOP, fetched, PROGRAMS, STORE } from '../ci/kind/images.ts';
import { chromiumPath, launchChromium } from '../test/support/browser.ts';
import { root, runBlock } from '../test/support/docs.ts';
import { until } from '../test/support/until.ts';

const { values: given } = parseArgs({
  options: {
    name: { type: 'string', default: 'first-screen' },
    template: { type: 'string', default: 'desktop' },
    rounds: { type: 'string', default: '3' },
  },
});
const rounds = Number(given.rounds);
if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds: takes a whole number from 1');
const missing = chromiumPath === undefined ? 'there is no Chromium' : await whyNoKind();
if (missing !== undefined) throw new Error(`not measured: ${missing}`);

const STEPS = ['helm install: everything ready', 'link', 'page', 'session runs', 'first picture'] as const;
const LIMIT_MS = 180_000;
const PLACE = ['-n', 'streamspace'];

interface PageGlobals {
  document: { querySelector(selector: string): { toDataURL(): string } | null };
}
const picture = (page: Page): Promise<string> =>
  page.evaluate(
    () =>
      (globalThis as unknown as PageGlobals).document
        .querySelector('[data-testid=viewer-screen] canvas')
        ?.toDataURL() ?? '',
  );

async function uninstalled(cluster: KindCluster): Promise<void> {
  await cluster.helm(['uninstall', 'streamspace', ...PLACE, '--ignore-not-found', '--wait']);
  await cluster.kubectl(['delete', 'namespace', 'streamspace', '--ignore-not-found']);
}

/** Runs the command printed with the link, with a port of the system's choice; resolves to that port and a function that ends it. */
async function forwarded(command: string, kubeconfig: string): Promise<{ port: string; end: () => Promise<void> }> {
  const [file = '', ...args] = command.replace(' 8080:', ' :').split(' ');
  const child = spawn(file, args, {
    env: { ...process.env, KUBECONFIG: kubeconfig },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  for await (const line of createInterface(child.stdout)) {
    const [, port] = /^Forwarding from 127\.0\.0\.1:(\d+)/.exec(line) ?? [];
    if (port === undefined) continue;
    child.stdout.resume();
    return {
      port,
      async end() {
        child.kill();
        await ended;
      },
    };
  }
  throw new Error(`${command}: ended`);
}

/** Seconds of each step. */
async function round(cluster: KindCluster): Promise<number[]> {
  const took: number[] = [];
  let since = systemClock.monotonic();
  const done = () => {
    const now = systemClock.monotonic();
    took.push((now - since) / 1000);
    since = now;
  };
  const env = { KUBECONFIG: cluster.kubeconfig };
  await runBlock('docs/install.md#no-values', env);
  done();
  const printed = await runBlock('docs/install.md#link', env);
  const [command] = /kubectl .*port-forward .*/.exec(printed) ?? [];
  const [link] = /^http:\/\/localhost:8080\/#token=.*$/m.exec(printed) ?? [];
  if (command === undefined || link === undefined) throw new Error(`no link: ${printed}`);
  done();
  const forward = await forwarded(command, cluster.kubeconfig);
  const browser = await launchChromium();
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    page.setDefaultTimeout(LIMIT_MS);
    await page.goto(link.replace(':8080', `:${forward.port}`));
    await page.locator('[data-testid=create-session]').click();
    await page.locator(`[data-testid=template-card][data-template=${given.template}]`).click();
    await page.locator('[data-testid=confirm-create]').click();
    const row = page.locator('[data-testid=session-row]');
    await row.waitFor();
    done();
    await row.and(page.locator('[data-state=running]')).waitFor();
    done();
    await row.locator('[data-testid=open-session]').click();
    await page.locator('[data-testid=viewer][data-phase=connected]').waitFor();
    await until('a picture', async () => (await picture(page)).length > 5_000, LIMIT_MS);
    done();
    await mkdir(`${root}test-results`, { recursive: true });
    await page.screenshot({ path: `${root}test-results/first-screen.png` });
    return took;
  } finally {
    await browser.close();
    await forward.end();
  }
}

await buildPrograms(['api', 'agent']);
await buildDesktop();
await fetched(STORE);
const cluster = await makeCluster(given.name);
await cluster.load([PROGRAMS.api, PROGRAMS.agent, STORE, DESKTOP]);
const all: number[][] = [];
for (let count = 0; count < rounds; count++) {
  await uninstalled(cluster);
  all.push(await round(cluster));
}
const sum = (of: readonly number[]) => of.reduce((total, each) => total + each, 0);
const row = (...cells: string[]) => process.stdout.write(`| ${cells.join(' | ')} |\n`);
const title = all.map((_, index) => `round ${index + 1}, s`);
process.stdout.write(`${cpus().length} cores, ${cluster.name}, template ${given.template}\n\n`);
row('step', ...title);
row('---', ...title.map(() => '--:'));
STEPS.forEach((step, index) => row(step, ...all.map((took) => took[index]!.toFixed(1))));
row('install to first screen', ...all.map((took) => sum(took).toFixed(1)));
