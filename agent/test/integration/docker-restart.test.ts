import type { SessionStatus } from '@streamspace/protocol';
import { RfbClient } from '@streamspace/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { desktopSpec } from '../support/spec.ts';
import { until } from '../support/until.ts';
import { COUNTER_IMAGE } from './counter-image.ts';
import { Daemon, daemonMissing } from './docker-daemon.ts';
import { type DockerPlace, dockerPlace, engineMissing } from './docker-place.ts';

const missing = engineMissing() ?? daemonMissing();
const LIMIT_MS = 60_000;
/** An engine that starts and stops on a busy machine. */
const SLOW_MS = 240_000;
const soon = () => AbortSignal.timeout(LIMIT_MS);

describe.skipIf(missing !== undefined)(
  `docker sessions while dockerd is restarted${missing ? `: ${missing}` : ''}`,
  () => {
    let place: DockerPlace;
    let daemon: Daemon;
    let commands = 0;
    const op = () => ({ commandId: `command-${commands++}`, term: 1, signal: soon() });
    beforeAll(async () => {
      place = await dockerPlace({ byAddress: true });
    });
    afterEach(() => daemon?.close(), SLOW_MS);
    afterAll(() => place?.cleanup());

    /** A driver on an engine of its own, a session there, and a viewer of its screen. */
    async function session(liveRestore: boolean) {
      daemon = await Daemon.start({ liveRestore });
      const driver = place.makeDriver({
        engine: daemon.engine,
      });
      const spec = desktopSpec('restarted', { user: place.agentId, image: COUNTER_IMAGE, cpu: 0.5, memory: 128e6 });
      expect(await driver.create(spec, op())).toMatchObject({ state: 'running' });
      const news: (SessionStatus | undefined)[] = [];
      const over = new AbortController();
      const watching = driver.watch((_id, status) => news.push(status), over.signal);
      const viewer = await RfbClient.open(await driver.connect(spec.id, soon()), soon());
      await viewer.firstPicture(soon());
      const end = async () => {
        viewer.close();
        over.abort();
        await watching;
        await driver.delete(spec.id, { deleteHome: true }, op());
      };
      return { driver, spec, news, viewer, end };
    }

    it(
      'with live-restore: a warning, a screen that goes on, and the same session afterwards',
      async () => {
        const { driver, spec, news, viewer, end } = await session(true);
        await daemon.down();
        await until(async () => driver.trouble !== undefined, 'the driver knows', LIMIT_MS);
        expect(driver.trouble).toMatch(/can’t be reached/);
        const number = () => viewer.picture.at(0, 0);
        const before = number();
        await until(async () => number() > before + 20, 'the screen goes on', LIMIT_MS);
        await daemon.up();
        await until(async () => driver.trouble === undefined, 'the driver knows that it is back', LIMIT_MS);
        expect(await driver.list(soon())).toEqual([{ spec, state: 'running' }]);
        const after = number();
        await until(async () => number() > after, 'the screen still goes on', LIMIT_MS);
        expect(news).toEqual([]);
        await end();
      },
      SLOW_MS,
    );

    it(
      'without: the session has ended and says so, nothing of it is lost, and it wakes',
      async () => {
        const { driver, spec, news, end } = await session(false);
        await daemon.down();
        await until(async () => driver.trouble !== undefined, 'the driver knows', LIMIT_MS);
        expect(driver.trouble).toMatch(/can’t be reached/);
        await daemon.up();
        await until(async () => driver.trouble === undefined, 'the driver knows that it is back', LIMIT_MS);
        await until(async () => news.length > 0, 'the news', LIMIT_MS);
        expect(news.at(-1)).toMatchObject({ spec, state: 'failed' });
        expect(await driver.list(soon())).toMatchObject([{ spec, state: 'failed' }]);
        expect(await driver.wake(spec.id, op())).toMatchObject({ state: 'running' });
        await end();
      },
      SLOW_MS,
    );
  },
);
