import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NOTHING_ALLOWED } from '@streamspace/settings';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { folderProblem } from '../../src/sessions/docker/host-folders.ts';
import { containerName } from '../../src/sessions/docker/objects/names.ts';
import { DESKTOP_IMAGE, type DockerPlace, dockerPlace, engineMissing, ensureDesktop } from './docker-place.ts';
import { desktopSpec } from '../support/spec.ts';

const missing = engineMissing();
const soon = () => AbortSignal.timeout(60_000);
const docker = (...args: string[]): string => execFileSync('docker', args, { encoding: 'utf8', stdio: 'pipe' });
/** A device that every host has, and no container. */
const DEVICE = ['/dev/fuse', '/dev/net/tun', '/dev/kmsg'].find(existsSync)!;
const MIB = 2 ** 20;

describe.skipIf(missing !== undefined || process.env['DOCKER_HOST'] !== undefined)(
  `what templates add to docker sessions${missing ? `: ${missing}` : ''}`,
  () => {
    let place: DockerPlace;
    let folder: string;
    let count = 0;
    beforeAll(async () => {
      ensureDesktop();
      place = await dockerPlace({ byAddress: true });
      folder = await mkdtemp(join(tmpdir(), 'docker-shared-'));
      await chmod(folder, 0o777);
      await mkdir(join(folder, 'fonts'), { mode: 0o777 });
      await writeFile(join(folder, 'fonts', 'one.ttf'), 'a font');
    }, 900_000);
    afterAll(async () => {
      await place?.cleanup();
      await rm(folder, { recursive: true, force: true });
    });

    const spec = (env: Record<string, string>) => desktopSpec(`adds-${place.agentId.slice(5)}-${count++}`, { env });
    const op = () => ({ commandId: `command-${count++}`, term: 1, signal: soon() });
    const inside = (id: string, script: string) => docker('exec', containerName(id, 1), 'bash', '-c', script).trim();
    const fonts = () => join(folder, 'fonts');
    const allow = () => ({
      devices: new Map([[DEVICE, 107]]),
      gpus: 1,
      shm: 1024 * MIB,
      tmpfs: 64 * MIB,
      hosts: new Set(['licences:192.0.2.7']),
      mounts: new Set([fonts()]),
    });

    it('an allowed device with its group, sizes of memory, a host and a folder to read: all in the session', async () => {
      // what a folder of the host may hold, and a session must not use
      const script = 'cp /usr/bin/id /f/id && chmod 4755 /f/id && mknod -m 666 /f/mem c 1 1';
      const run = `run --rm --user 0 --cap-add MKNOD --entrypoint bash -v ${fonts()}:/f ${DESKTOP_IMAGE} -c`;
      docker(...run.split(' '), script);
      const one = spec({
        STREAMSPACE_DEVICES: DEVICE,
        STREAMSPACE_SHM: '768Mi',
        STREAMSPACE_TMPFS: '/opt/scratch:32Mi, /srv/cache:32Mi',
        STREAMSPACE_EXTRA_HOSTS: 'licences:192.0.2.7',
        STREAMSPACE_MOUNTS: `${fonts()}:/usr/local/share/fonts/site`,
      });
      const driver = place.makeDriver({ sessionAllow: allow() });
      expect(await driver.create(one, op())).toMatchObject({ state: 'running' });
      expect(inside(one.id, `test -c ${DEVICE} && id -G`).split(' ')).toContain('107');
      expect(inside(one.id, `df -B1 --output=size /dev/shm /opt/scratch /srv/cache | tail -3 | tr -d ' '`)).toBe(
        [768 * MIB, 32 * MIB, 32 * MIB].join('\n'),
      );
      expect(inside(one.id, 'touch /opt/scratch/x && grep scratch /proc/mounts')).toMatch(/nosuid.*nodev/);
      expect(inside(one.id, 'grep licences /etc/hosts')).toMatch(/^192\.0\.2\.7\s+licences/);
      const site = '/usr/local/share/fonts/site';
      expect(inside(one.id, `cat ${site}/one.ttf`)).toBe('a font');
      expect(inside(one.id, `touch ${site}/x 2>&1 || true`)).toContain('Read-only file system');
      // a program that becomes root there does not here; a device node there opens nothing
      expect(inside(one.id, `${site}/id -u`)).toBe('1000');
      expect(inside(one.id, `head -c 1 ${site}/mem 2>&1 || true`)).toMatch(/not permitted|denied/);
      // as for a woken session
      // the same after sleep
      await driver.hibernate(one.id, op());
      await driver.wake(one.id, op());
      await driver.delete(one.id, { deleteHome: true }, op());
    });

    it.each([
      ['STREAMSPACE_DEVICES', DEVICE, `device:${DEVICE}`],
      ['STREAMSPACE_DEVICES', '/dev/mem', 'device:/dev/mem'],
      ['STREAMSPACE_GPUS', 'all', 'gpus:all'],
      ['STREAMSPACE_GPUS', '1', 'gpus:1'],
      ['STREAMSPACE_SHM', '2Gi', 'shm:2Gi'],
      ['STREAMSPACE_TMPFS', '/opt/scratch:1Mi,/srv/cache:1Mi', 'tmpfs:2Mi'],
      ['STREAMSPACE_EXTRA_HOSTS', 'licences:192.0.2.8', 'host:licences:192.0.2.8'],
      ['STREAMSPACE_MOUNTS', '/srv:/mnt/srv', 'mount:/srv'],
      ['STREAMSPACE_MOUNTS', '/var/run:/mnt/run', 'mount:/var/run'],
    ])('%s=%s is refused by an agent that allows nothing, with the remedy', async (name, value, entry) => {
      const one = spec({ [name]: value });
      await expect(place.makeDriver().create(one, op())).rejects.toMatchObject({
        code: 'invalid_request',
        message: expect.stringMatching(
          new RegExp(
            `^env ${name}: .* is not allowed by this agent: an operator may add ${entry} to its SESSION_ALLOW`,
          ),
        ),
      });
      expect(await place.makeDriver().list(soon())).toEqual([]);
    });

    it.each([
      ['STREAMSPACE_DEVICES', '/dev/../etc/shadow', /takes a comma list of \/dev\/PATH/],
      ['STREAMSPACE_DEVICES', 'sda', /takes a comma list of \/dev\/PATH/],
      ['STREAMSPACE_GPUS', '1,2', /takes all, or a number/],
      ['STREAMSPACE_SHM', 'much', /takes an amount of bytes/],
      ['STREAMSPACE_TMPFS', '/proc/x:1Mi', /the engine’s, or the session’s home/],
      ['STREAMSPACE_TMPFS', '/opt:1Mi,/opt/../dev:1Mi', /takes a comma list of \/PATH:SIZE/],
      ['STREAMSPACE_EXTRA_HOSTS', 'a b:192.0.2.7', /takes a comma list of NAME:ADDRESS/],
      ['STREAMSPACE_MOUNTS', '/srv/../etc:/mnt/x', /takes a comma list of \/FOLDER/],
      ['STREAMSPACE_MOUNTS', '/srv/shared:/proc/x', /the engine’s, or the session’s home/],
      ['STREAMSPACE_MOUNTS', '/srv/shared:/home/user', /the engine’s, or the session’s home/],
    ])('%s=%s is refused whatever is allowed', async (name, value, words) => {
      const sessionAllow = { ...allow(), tmpfs: 2 ** 40, mounts: new Set(['/srv/shared']) };
      await expect(place.makeDriver({ sessionAllow }).create(spec({ [name]: value }), op())).rejects.toMatchObject({
        code: 'invalid_request',
        message: expect.stringMatching(words),
      });
    });

    it('an allowed folder that became a symbolic link is not followed; one that is gone is named', async () => {
      const driver = place.makeDriver({ sessionAllow: allow(), secret: ['/var/run/docker.sock'] });
      const [linked, gone] = [1, 2].map(() => spec({ STREAMSPACE_MOUNTS: `${fonts()}:/mnt/site` })) as [
        ReturnType<typeof spec>,
        ReturnType<typeof spec>,
      ];
      await rename(fonts(), join(folder, 'moved'));
      await symlink('/etc', fonts());
      await expect(driver.create(linked, op())).rejects.toMatchObject({
        message: expect.stringContaining(`${fonts()} leads by a symbolic link to /etc`),
      });
      await rm(fonts());
      await expect(driver.create(gone, op())).rejects.toMatchObject({
        message: `The engine’s host has no folder ${fonts()}, which the template mounts: make it there, or change STREAMSPACE_MOUNTS`,
      });
      await rename(join(folder, 'moved'), fonts());
      expect(await driver.wake(gone.id, op())).toMatchObject({ state: 'running' });
      for (const { id } of [linked, gone]) await driver.delete(id, { deleteHome: true }, op());
    });

    it('an operator can’t allow the engine’s socket, what the kernel shows, or the agent’s own files', async () => {
      const secret = ['/srv/engine/docker.sock', join(folder, 'fonts', 'token')];
      for (const each of [
        '/var',
        '/var/run',
        '/run/user',
        '/proc/1',
        '/sys',
        '/etc',
        '/var/lib/docker/volumes',
        '/srv',
      ])
        expect(await folderProblem(each, secret)).toMatch(/is refused/);
      expect(await folderProblem(fonts(), secret)).toMatch(/is refused, as it has .*token/);
      expect(await folderProblem('/etc/fonts', secret)).toBeUndefined();
      expect(await folderProblem('/not/here', secret)).toBeUndefined();
    });

    it('a device that the host does not have', async () => {
      const sessionAllow = { ...NOTHING_ALLOWED, devices: new Map([['/dev/none-such', undefined]]) };
      const one = spec({ STREAMSPACE_DEVICES: '/dev/none-such' });
      const driver = place.makeDriver({ sessionAllow });
      await expect(driver.create(one, op())).rejects.toMatchObject({
        message:
          'The engine’s host has no device /dev/none-such, which the template asks for: change STREAMSPACE_DEVICES',
      });
      await driver.delete(one.id, { deleteHome: true }, op());
    });
  },
);
