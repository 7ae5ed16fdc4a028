import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { desktopSpec } from '../support/spec.ts';
import { COUNTER_IMAGE } from './counter-image.ts';
import { Daemon, daemonMissing } from './docker-daemon.ts';
import { type DockerPlace, dockerPlace, engineMissing } from './docker-place.ts';

const missing = engineMissing() ?? daemonMissing();
/** An engine that starts and stops on a busy machine, milliseconds. */
const SLOW_MS = 240_000;
const soon = () => AbortSignal.timeout(60_000);

describe.skipIf(missing !== undefined)(`docker sessions on a full disk${missing ? `: ${missing}` : ''}`, () => {
  let place: DockerPlace;
  let daemon: Daemon;
  let commands = 0;
  const op = () => ({ commandId: `command-${commands++}`, term: 1, signal: soon() });
  beforeAll(async () => {
    place = await dockerPlace({ byAddress: true });
    daemon = await Daemon.start({ disk: 512 });
  }, SLOW_MS);
  afterAll(async () => {
    await daemon?.close();
    await place?.cleanup();
  }, SLOW_MS);

  it('a create says so, and has its effect once there is room again; a session that runs goes on', async () => {
    const driver = place.makeDriver({ engine: daemon.engine });
    const spec = (id: string) =>
      desktopSpec(id, { user: `${place.agentId}-${id}`, image: COUNTER_IMAGE, cpu: 0.5, memory: 128e6 });
    const [runs, wanted] = [spec('full-runs'), spec('full-wanted')];
    expect(await driver.create(runs, op())).toMatchObject({ state: 'running' });
    const free = daemon.fillDisk();
    await expect(driver.create(wanted, op())).rejects.toMatchObject({
      code: 'disk_full',
      message: expect.stringMatching(/^The engine’s disk is full: .*docker system df/),
    });
    expect(await driver.list(soon())).toContainEqual({ spec: runs, state: 'running' });
    (await driver.connect(runs.id, soon())).destroy();
    free();
    expect(await driver.create(wanted, op())).toMatchObject({ state: 'running' });
    for (const { id } of [runs, wanted]) await driver.delete(id, { deleteHome: true }, op());
    expect(await driver.list(soon())).toEqual([]);
  });
});
