import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { SessionSpec } from '@streamspace/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { containerName } from '../../src/sessions/docker/objects/names.ts';
import type { DockerDriverOptions } from '../../src/sessions/docker/options.ts';
import { driverContract } from '../contract/driver.ts';
import { desktopSpec } from '../support/spec.ts';
import { until } from '../support/until.ts';
import { DESKTOP_IMAGE, type DockerPlace, dockerPlace, engineMissing, ensureDesktop } from './docker-place.ts';
import { BOX_MS, EngineBox } from './engine-box.ts';

/** By name alone, as it takes a minute to make such an engine: PODMAN_CONTRACT=all (needs Docker, which runs Podman's container). */
const missing = process.env['PODMAN_CONTRACT'] === 'all' ? engineMissing() : 'runs with PODMAN_CONTRACT=all';
const LIMIT_MS = 60_000;
const soon = () => AbortSignal.timeout(LIMIT_MS);

describe.skipIf(missing !== undefined)(`sessions on Podman${missing ? `: ${missing}` : ''}`, () => {
  const before = process.env['DOCKER_HOST'];
  let box: EngineBox;
  beforeAll(async () => {
    ensureDesktop();
    box = new EngineBox(['/var/lib/containers']);
    box.start('exec podman system service -t 0 unix:///shared/podman.sock');
    await until(() => existsSync(join(box.folder, 'podman.sock')), 'the socket of Podman', LIMIT_MS);
    box.load(DESKTOP_IMAGE, 'podman load');
    process.env['DOCKER_HOST'] = `unix://${box.folder}/podman.sock`;
  }, BOX_MS);
  afterAll(() => {
    if (before === undefined) delete process.env['DOCKER_HOST'];
    else process.env['DOCKER_HOST'] = before;
    box?.remove();
  }, BOX_MS);

  // the box is in the way of the containers' addresses
  driverContract('podman, screens by exec', () => dockerPlace({ byAddress: false }), { step: 60_000 });

  describe('what Podman does otherwise than Docker', () => {
    let place: DockerPlace;
    let count = 0;
    beforeAll(async () => {
      place = await dockerPlace({ byAddress: false });
    });
    afterAll(() => place?.cleanup());
    const op = () => ({ commandId: `command-${count++}`, term: 1, signal: soon() });
    const spec = (changes: Partial<SessionSpec> = {}) => desktopSpec(`podman-${count++}`, changes);
    const networks = () => box.run('podman network ls -q').trim().split('\n').toSorted();

    it('keeps sessions apart, each in a network of its own that goes with it', async () => {
      const driver = place.makeDriver();
      const [one, two] = [spec(), spec()];
      for (const each of [one, two]) await driver.create(each, op());
      expect(networks()).toEqual([containerName(one.id, 1), containerName(two.id, 1), 'podman'].toSorted());
      const [{ NetworkSettings }] = JSON.parse(
        execFileSync('docker', ['inspect', containerName(one.id, 1)], { encoding: 'utf8' }),
      ) as [{ NetworkSettings: { Networks: Record<string, { IPAddress: string }> } }];
      const { IPAddress } = NetworkSettings.Networks[containerName(one.id, 1)]!;
      const reach = (id: string) =>
        execFileSync(
          'docker',
          [
            'exec',
            containerName(id, 1),
            'bash',
            '-c',
            `timeout 3 bash -c '</dev/tcp/${IPAddress}/5900' 2>/dev/null && echo reached || echo no`,
          ],
          { encoding: 'utf8' },
        ).trim();
      expect(reach(one.id)).toBe('reached');
      expect(reach(two.id)).toBe('no');
      await driver.hibernate(one.id, op());
      expect(networks()).toEqual([containerName(two.id, 1), 'podman'].toSorted());
      for (const { id } of [one, two]) await driver.delete(id, { deleteHome: true }, op());
      expect(networks()).toEqual(['podman']);
    });

    it.each<[string, Partial<DockerDriverOptions>, RegExp]>([
      ['a runtime', { sessionRuntime: 'runsc' }, /does not heed SESSION_RUNTIME \(runsc\): make it the engine’s own/],
      ['graphics cards', { sessionGpus: '1' }, /no graphics cards through its compatible socket: unset SESSION_GPUS/],
    ])('refuses what Podman would leave out without a word: %s', async (_, options, words) => {
      const driver = place.makeDriver(options);
      const one = spec();
      await expect(driver.create(one, op())).rejects.toMatchObject({ message: expect.stringMatching(words) });
      expect(await place.running(one.id)).toBe(0);
      await driver.delete(one.id, { deleteHome: true }, op());
    });

    it('says that a session may have used more memory than its limit, where Podman does not know', async () => {
      const driver = place.makeDriver();
      const one = spec();
      await driver.create(one, op());
      await place.kill(one.id);
      const ended = (await driver.list(soon())).find((status) => status.spec.id === one.id);
      expect(ended?.reason).toMatch(/was killed from outside, or for using more memory than its limit of \d+ MiB/);
      await driver.delete(one.id, { deleteHome: true }, op());
    });
  });
});
