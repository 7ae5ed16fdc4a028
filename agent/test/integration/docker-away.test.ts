import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { SessionStatus } from '@streamspace/protocol';
import { RfbClient } from '@streamspace/testkit';
import { systemClock } from 'clock-port';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Way } from '../../../ci/ha/docker/way.ts';
import { engineAddress } from '../../src/sessions/docker/engine/address.ts';
import { Engine } from '../../src/sessions/docker/engine/engine.ts';
import { type DockerPlace, dockerPlace, engineMissing, ensureDesktop } from './docker-place.ts';
import { desktopSpec } from '../support/spec.ts';
import { until } from '../support/until.ts';

const missing = engineMissing();
/** A long form by name: so many seconds it stays away (DOCKER_AWAY=600). */
const AWAY_MS = 1_000 * Number(process.env['DOCKER_AWAY'] ?? 0);
const LIMIT_MS = 60_000 + AWAY_MS;
const soon = () => AbortSignal.timeout(LIMIT_MS);

describe.skipIf(missing !== undefined || process.env['DOCKER_HOST'] !== undefined)(
  `docker sessions while the engine is away${missing ? `: ${missing}` : ''}`,
  () => {
    let place: DockerPlace;
    let folder: string;
    let way: Way;
    let engine: Engine;
    beforeAll(async () => {
      ensureDesktop();
      place = await dockerPlace({ byAddress: true });
      folder = await mkdtemp(join(tmpdir(), 'docker-away-'));
      way = new Way(join(folder, 'engine.sock'), '/var/run/docker.sock');
      await way.open();
      engine = new Engine(engineAddress(`unix://${way.path}`, undefined), systemClock);
    }, 900_000);
    afterAll(async () => {
      engine?.close();
      await way?.cut().catch(() => undefined);
      await place?.cleanup();
      await rm(folder, { recursive: true, force: true });
    });

    it(
      'says so, shows its screens, loses nothing, and hears of what happened meanwhile',
      async () => {
        const driver = place.makeDriver({ engine });
        let commands = 0;
        const op = () => ({ commandId: `command-${commands++}`, term: 1, signal: soon() });
        const spec = (id: string) => desktopSpec(id, { user: place.agentId });
        const [stays, dies, third] = [spec('away-stays'), spec('away-dies'), spec('away-third')];
        for (const one of [stays, dies]) await driver.create(one, op());
        const news = new Map<string, SessionStatus | undefined>();
        const over = new AbortController();
        const watching = driver.watch((id, status) => news.set(id, status), over.signal);
        const viewer = await RfbClient.open(await driver.connect(stays.id, soon()), soon());
        await viewer.firstPicture(soon());
        let told = 0;
        const deafen = driver.onTrouble(() => (told += 1));

        await way.cut();
        await until(() => driver.trouble !== undefined, 'trouble', LIMIT_MS);
        expect(driver.trouble).toMatch(/can’t be reached: .*is the engine running/);
        const refusal = { code: 'driver_failed', message: expect.stringContaining('can’t be reached') };
        await expect(driver.list(soon())).rejects.toMatchObject(refusal);
        // what was asked for meanwhile waits, and leaves its slot to others
        const slot = { left: '', regained: 0 };
        const late = driver.create(third, {
          ...op(),
          slot: {
            leave: (reason) => (slot.left = reason),
            regain: () => Promise.resolve(void (slot.regained += 1)),
          },
        });
        await until(() => news.get(third.id)?.state === 'starting', 'news of a start that waits', LIMIT_MS);
        expect(news.get(third.id)?.reason).toContain('can’t be reached');
        expect(slot).toMatchObject({ left: expect.stringContaining('can’t be reached'), regained: 0 });
        const { width, height } = viewer.picture;
        viewer.pointer(width >> 2, height >> 1, 1);
        viewer.pointer(width >> 2, height >> 1, 0);
        const changed = viewer.waitForChange(undefined, soon());
        viewer.type('still here\n');
        await changed;
        await place.kill(dies.id);
        expect([...news.keys()]).toEqual([third.id]);
        await pause(AWAY_MS);

        await way.open();
        await until(() => driver.trouble === undefined && news.has(dies.id), 'news of the end', LIMIT_MS);
        expect(told).toBe(2);
        expect(await late).toEqual({ spec: third, state: 'running' });
        expect(slot.regained).toBe(1);
        expect(news.get(dies.id)).toMatchObject({
          state: 'failed',
          reason: expect.stringContaining('killed from outside'),
        });
        expect(news.has(stays.id)).toBe(false);
        expect((await driver.list(soon())).map(({ state }) => state).toSorted()).toEqual([
          'failed',
          'running',
          'running',
        ]);
        expect(await driver.wake(dies.id, op())).toMatchObject({ state: 'running' });
        viewer.close();
        deafen();
        over.abort();
        await watching;
        for (const { id } of [stays, dies, third]) await driver.delete(id, { deleteHome: true }, op());
      },
      3 * LIMIT_MS,
    );
  },
);
