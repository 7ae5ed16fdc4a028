import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import type { Agent, Session, Template } from '@streamspace/protocol';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumPath, launchChromium, needsChromium } from '../support/browser.ts';
import { Gate } from '../support/gate.ts';
import { Launched, processesOf } from '../support/launched.ts';
import { pixels } from '../support/screen.ts';
import { until } from '../support/until.ts';

const pids = () => readdirSync('/proc').map(Number).filter(Number.isInteger);

/** Types a command into the desktop's terminal, waits for the picture to change and for what the command does: the file in the home. */
async function typeAndSee(page: Page, home: string, file: string): Promise<void> {
  await page.locator('[data-testid=viewer-screen] canvas').click();
  const before = await pixels(page);
  await until(`${file} in the home`, async () => {
    // the terminal may still be starting: earlier keys are lost
    await page.keyboard.type(`touch ${file}`, { delay: 20 });
    await page.keyboard.press('Enter');
    return until('the command to be carried out', () => existsSync(join(home, file)), 2_000);
  });
  await until('the picture to change', async () => (await pixels(page)) !== before);
}

const hasXvnc = existsSync('/usr/bin/Xvnc') && existsSync('/usr/bin/xterm');

describe.skipIf(chromiumPath === undefined)(needsChromium('npm start, used in Chromium'), () => {
  let launched: Launched;
  let browser: Browser;
  let page: Page;
  const problems: string[] = [];
  const home = () =>
    join(launched.folder, 'agent/homes', readdirSync(join(launched.folder, 'agent/homes'))[0]!, 'desktop');

  beforeAll(async () => {
    launched = await Launched.start();
    browser = await launchChromium();
    page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
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

  it.skipIf(!hasXvnc)('shows the first desktop, and typing changes its pixels', async () => {
    await page.locator('[data-testid=open-session]').first().click();
    await page.locator('[data-testid=viewer][data-phase=connected]').waitFor();
    await until('a picture', async () => (await pixels(page)).length > 5_000);
    await typeAndSee(page, home(), 'first');
  });

  it.skipIf(!hasXvnc)('kill -9 of the leader: a standby serves, and the screen comes back by itself', async () => {
    const before = (await launched.api<{ items: Agent[] }>('GET', '/agents')).items[0]!;
    process.kill(launched.pidOf(before.leader!), 'SIGKILL');
    const after = await until('another leader', async () => {
      const agent = (await launched.api<{ items: Agent[] }>('GET', '/agents')).items[0]!;
      return agent.connected && agent.leader !== before.leader && agent;
    });
    expect(after.term).toBeGreaterThan(before.term);
    await page.locator('[data-testid=viewer][data-phase=connected]').waitFor();
    await typeAndSee(page, home(), 'second');
  });

  it('draws the failover on the agent page, and the killed replica is a standby again', async () => {
    await page.locator('[data-testid=viewer-back]').click();
    await page.goto(new URL('/#/agents/this-machine', launched.link).href);
    await page.locator('[data-testid=timeline]').waitFor();
    // S1: as the machine allows
    const { isolation } = await launched.api<Agent>('GET', '/agents/this-machine');
    expect(['isolated', 'one_user']).toContain(isolation);
    const words = isolation === 'isolated' ? 'isolated from each other' : 'not isolated: of one user only';
    await page.locator('[data-testid=agent-isolation]', { hasText: words }).waitFor();
    await until(
      'two standbys',
      async () =>
        (await launched.api<Agent>('GET', '/agents/this-machine')).replicas.filter(({ role }) => role === 'standby')
          .length === 2,
    );
  });

  it('V8 a session opens in a new tab, which is signed in; signing out there signs out here', async () => {
    await page.goto(new URL('/#/', launched.link).href);
    const link = await page.locator('[data-testid=open-session]').first().getAttribute('href');
    const tab = await page.context().newPage();
    await tab.goto(new URL(`/${link}`, launched.link).href);
    await tab.locator('[data-testid=viewer][data-phase=connected]').waitFor();
    await tab.locator('[data-testid=viewer-back]').click();
    await tab.locator('[data-testid=sign-out]').click();
    await page.locator('[data-testid=sign-in]').waitFor();
    await tab.close();
    await page.goto(launched.link.href);
    await page.locator('[data-testid=session-row]').first().waitFor();
  });

  it("S12 a link of somebody else's asks first, in this tab and in a new one", async () => {
    const claims = { sub: 'mallory', roles: ['user'], exp: 4_000_000_000 };
    const token = `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`;
    const link = new URL(`/#token=${token}`, launched.link).href;
    const tab = await page.context().newPage();
    for (const each of [tab, page]) {
      await each.goto(link);
      await each.locator('[data-testid=link-dialog]', { hasText: 'mallory' }).waitFor();
      await each.locator('[data-testid=link-refuse]').click();
      await each.locator('[data-testid=session-row]').first().waitFor();
      expect(each.url()).not.toContain('token');
    }
    await tab.close();
  });

  it('V10 offers what the machine has, on which a few desktops fit', async () => {
    const [agent] = (await launched.api<{ items: Agent[] }>('GET', '/agents')).items;
    expect(agent?.capacity).toMatchObject({ cpu_cores: cpus().length, memory_bytes: totalmem() });
    const templates = (await launched.api<{ items: Template[] }>('GET', '/templates')).items;
    expect(templates.map(({ id, cpu }) => [id, cpu])).toEqual([
      ['desktop', 0.5],
      ['terminal', 0.25],
    ]);
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
    // V2 what it ends is said first, and nothing is ended by one click
    await page.locator('[data-testid=hibernate-dialog]', { hasText: 'what was not saved is lost' }).waitFor();
    expect(await row.getAttribute('data-state')).toBe('running');
    await page.locator('[data-testid=hibernate-dialog-confirm]').click();
    await row.and(page.locator('[data-state=hibernated]')).waitFor();
    await row.locator('[data-testid=wake-session]').click();
    await row.and(page.locator('[data-state=running]')).waitFor();

    // V9 found in a list, and put to sleep and woken among others
    const rows = page.locator('[data-testid=session-row]');
    expect(await rows.count()).toBe(2);
    await page.locator('[data-testid=list-search]').fill('sécond');
    await until('the one that fits', async () => (await rows.count()) === 1);
    await page.locator('[data-testid=list-search]').fill('');
    await page.locator('[data-testid=list-layout]').click();
    await row.locator('[data-testid=select-session]').check();
    await page.locator('[data-testid=hibernate-selected]').click();
    await page.locator('[data-testid=hibernate-dialog-confirm]').click();
    await row.and(page.locator('[data-state=hibernated]')).waitFor();
    expect(await page.locator('[data-testid=session-row][data-state=running]').count()).toBe(1);
    await row.locator('[data-testid=select-session]').check();
    await page.locator('[data-testid=wake-selected]').click();
    await row.and(page.locator('[data-state=running]')).waitFor();
    await page.locator('[data-testid=list-layout]').click();
    await row.locator('[data-testid=open-session]').click();
    await page.locator('[data-testid=viewer][data-phase=connected]').waitFor();
    await page.locator('[data-testid=viewer-back]').click();
    await row.locator('[data-testid=delete-session]').click();
    await page.locator('[data-testid=confirm-delete]').click();
    await row.waitFor({ state: 'detached' });
  });

  it('a screen opens though some replicas of the hub are dead: nobody takes tickets or sockets there', async () => {
    const gate = await Gate.open(Number(launched.link.port));
    const through = await launchChromium(`--host-resolver-rules=MAP ${launched.link.host} 127.0.0.1:${gate.port}`);
    try {
      gate.leaveUnanswered(/^POST .*\/ticket$/, 2);
      gate.leaveUnanswered(/^GET .*\/vnc\?/, 3);
      const there = await through.newPage();
      await there.goto(launched.link.href);
      await there.locator('[data-testid=open-session]').first().click();
      await there.locator('[data-testid=viewer][data-phase=connected]').waitFor();
      expect(gate.done).toBe(true);
    } finally {
      await through.close();
      gate.close();
    }
  });

  it.skipIf(!hasXvnc)(
    'V1 a dead line is noticed, another takes over, and keys of the dead one never arrive',
    async () => {
      const gate = await Gate.open(Number(launched.link.port));
      const through = await launchChromium(`--host-resolver-rules=MAP ${launched.link.host} 127.0.0.1:${gate.port}`);
      try {
        const there = await through.newPage({ viewport: { width: 1280, height: 800 } });
        await there.goto(launched.link.href);
        await there.locator('[data-testid=open-session]').first().click();
        const connected = there.locator('[data-testid=viewer][data-phase=connected]');
        await connected.waitFor();
        await typeAndSee(there, home(), 'before-the-line-died');
        gate.swallow();
        await there.keyboard.type('touch lost', { delay: 20 });
        await there.keyboard.press('Enter');
        const status = there.locator('[data-testid=viewer-status]');
        await status.waitFor();
        // all of them, and what was typed so shortly before that nothing says it arrived
        const keys = await until('the number of lost keys', async () => {
          const [, number] = /(\d+) keys that you typed did not arrive/.exec(await status.innerText()) ?? [];
          return number;
        });
        expect(Number(keys)).toBeGreaterThanOrEqual(11);
        await connected.waitFor();
        await there.locator('[data-testid=toasts]', { hasText: `${keys} keys` }).waitFor();
        gate.deliver();
        await typeAndSee(there, home(), 'after-the-line-died');
        expect(existsSync(join(home(), 'lost'))).toBe(false);
      } finally {
        await through.close();
        gate.close();
      }
    },
  );

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

  it('a setting that the programs can not use is named, and ends the start', async () => {
    await expect(Launched.start(undefined, { LOG_LEVEL: 'loud' })).rejects.toThrow(
      /^ended with 1:\n[^]*LOG_LEVEL.*takes/,
    );
  });

  it('a port in use is named, with the remedy', async () => {
    await expect(Launched.start(undefined, { PORT: launched.link.port })).rejects.toThrow(
      /Port \d+ is in use\. Give another: PORT=/,
    );
  });
});

describe.skipIf(chromiumPath === undefined)(needsChromium('npm start where there is no Xvnc, used in Chromium'), () => {
  let launched: Launched;
  let browser: Browser;

  beforeAll(async () => {
    launched = await Launched.start(undefined, { PATH: '/nowhere' });
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await launched?.stop();
  });

  it('the built-in desktop shows what is typed, and keeps it in the home; the leader dies by kill -9, and it goes on', async () => {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    const notes = join(launched.folder, 'agent/homes');
    const read = () => readFileSync(join(notes, readdirSync(notes)[0]!, 'desktop/notes.txt'), 'utf8');
    const type = async (text: string) => {
      await page.locator('[data-testid=viewer][data-phase=connected]').waitFor();
      await page.locator('[data-testid=viewer-screen] canvas').click();
      await page.keyboard.type(text, { delay: 20 });
      await until(`notes with ${text}`, () => read().includes(text));
    };
    await page.goto(launched.link.href);
    await page.locator('[data-testid=open-session]').first().click();
    await type('before');
    const before = (await launched.api<{ items: Agent[] }>('GET', '/agents')).items[0]!;
    process.kill(launched.pidOf(before.leader!), 'SIGKILL');
    await until('another leader', async () => {
      const [agent] = (await launched.api<{ items: Agent[] }>('GET', '/agents')).items;
      return agent!.connected && agent!.leader !== before.leader;
    });
    await type(' after');
    expect(read()).toContain('before after');
  });
});
