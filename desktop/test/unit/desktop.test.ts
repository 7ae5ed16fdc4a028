import { mkdtemp, mkdir, readFile, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RfbClient, VirtualClock } from '@streamspace/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { builtinDesktop } from '../../src/builtin.ts';
import { places } from '../../src/parts.ts';
import { soon } from '../support/screen.ts';

const CLOCK = { x: 860, y: 20, width: 420, height: 70 };
const { notes: NOTES, paper: PAPER, clipboard: CLIPBOARD } = places(1280, 800);

describe('built-in desktop', () => {
  let folder: string;
  let clock: VirtualClock;
  let stop: () => Promise<void>;
  const home = () => join(folder, 'home');
  const saved = () => readFile(join(home(), 'notes.txt'), 'utf8').catch(() => undefined);

  async function start(): Promise<void> {
    const controller = new AbortController();
    let running: Promise<void> = Promise.resolve();
    await new Promise<void>((resolve, reject) => {
      const desktop = builtinDesktop({
        screen: join(folder, 'screen'),
        home: home(),
        id: 'one',
        name: 'My session',
        user: 'ada',
        template: 'desktop',
        clock,
        log() {},
      });
      running = desktop.run(controller.signal, resolve);
      running.catch(reject);
    });
    stop = async () => {
      controller.abort();
      await running;
    };
  }
  const view = async () => {
    const client = await RfbClient.open(createConnection(join(folder, 'screen')), soon());
    await client.firstPicture(soon());
    return client;
  };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'streamspace-desktop-'));
    clock = new VirtualClock();
    await start();
  });
  afterEach(async () => {
    await stop();
    expect(clock.pending).toBe(0);
    await rm(folder, { recursive: true, force: true });
  });

  it('is called what the session is called, and shows a clock that ticks while somebody looks', async () => {
    expect(clock.pending).toBe(0);
    const client = await view();
    expect(client.name).toBe('My session');
    const ticked = client.waitForChange(CLOCK, soon());
    await clock.advance(1000);
    await ticked;
    client.close();
  });

  it('shows what is typed, and keeps it over a stop and a start', async () => {
    const client = await view();
    const changed = client.waitForChange(NOTES, soon());
    client.type('hello\nworld!');
    client.key(0xff08, true);
    await changed;
    // the key after the last one is an answer that all before it were taken
    client.pointer(PAPER.x + 50, PAPER.y + 50, 1);
    await client.until(() => client.picture.at(PAPER.x + 50, PAPER.y + 50) !== 0xeef1f7, soon());
    const before = client.picture.hash({ ...NOTES, y: NOTES.y + 56, height: 200 });
    client.close();
    await stop();
    expect(await saved()).toBe('hello\nworld');
    await start();
    const again = await view();
    expect(again.picture.hash({ ...NOTES, y: NOTES.y + 56, height: 200 })).toBe(before);
    again.close();
  });

  it('writes the notes a moment after they were typed, without waiting for the end', async () => {
    const client = await view();
    client.type('x');
    await client.waitForChange(NOTES, soon());
    const status = client.waitForChange(NOTES, soon());
    await clock.advance(300);
    await status;
    expect(await saved()).toBe('x');
    client.close();
  });

  it('says so when the notes can not be saved, and saves them when it is possible again', async () => {
    await mkdir(join(home(), 'notes.txt', 'in the way'), { recursive: true });
    const client = await view();
    client.type('x');
    await client.waitForChange(NOTES, soon());
    const status = client.waitForChange(NOTES, soon());
    await clock.advance(300);
    await status;
    await rm(join(home(), 'notes.txt'), { recursive: true });
    client.close();
    await stop();
    expect(await saved()).toBe('x');
    await start();
  });

  it('draws where a button is held, for every viewer', async () => {
    const [one, two] = [await view(), await view()];
    one.pointer(PAPER.x + 100, PAPER.y + 100, 1);
    one.pointer(PAPER.x + 160, PAPER.y + 100, 1);
    one.pointer(PAPER.x + 300, PAPER.y + 300, 0);
    for (const client of [one, two])
      await client.until(() => client.picture.at(PAPER.x + 130, PAPER.y + 100) === 0x3658d4, soon());
    one.key(0xff1b, true);
    await two.until(() => two.picture.at(PAPER.x + 130, PAPER.y + 100) === 0xeef1f7, soon());
    one.close();
    two.close();
  });

  it('shows the clipboard, pastes it, and gives it back on copy', async () => {
    const client = await view();
    const shown = client.waitForChange(CLIPBOARD, soon());
    client.cutText('from me');
    await shown;
    client.key(0xffe3, true);
    client.key(0x76, true);
    client.key(0x76, false);
    client.key(0x63, true);
    client.key(0x63, false);
    client.key(0xffe3, false);
    await client.until(() => client.clipboard !== undefined, soon());
    expect(client.clipboard).toBe('from me');
    client.close();
  });
});
