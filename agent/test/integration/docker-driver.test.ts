import type { SessionStatus } from '@streamspace/protocol';
import { RfbClient } from '@streamspace/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from 'clock-port';
import { inspect } from '../../src/sessions/docker/engine/containers.ts';
import { containerName } from '../../src/sessions/docker/objects/names.ts';
import { Screens } from '../../src/sessions/docker/screens/screen.ts';
import { driverContract } from '../contract/driver.ts';
import { type DockerPlace, dockerPlace, engineMissing, ensureDesktop } from './docker-place.ts';
import { desktopSpec } from '../support/spec.ts';
import { until } from '../support/until.ts';

const missing = engineMissing();
const LIMIT_MS = 60_000;
const soon = () => AbortSignal.timeout(LIMIT_MS);

if (missing) {
  describe('driver contract: docker', () => {
    it('runs the driver contract', ({ skip }) => skip(missing));
  });
} else {
  beforeAll(ensureDesktop, 900_000);
  // the long form, by hand: DOCKER_SCREENS=exec runs all of the contract with screens by a process in the container
  const byAddress = process.env['DOCKER_SCREENS'] !== 'exec';
  // ten desktops at once on two cores
  driverContract(`docker, screens by ${byAddress ? 'address' : 'exec'}`, () => dockerPlace({ byAddress }), {
    step: 60_000,
  });

  describe('docker, screens by a process in the container', () => {
    let place: DockerPlace;
    beforeAll(async () => {
      place = await dockerPlace({ byAddress: false });
    });
    afterAll(() => place.cleanup());

    it('a screen does not wait for an address that says nothing; the next ones go the way that answers', async () => {
      const driver = place.makeDriver();
      const spec = desktopSpec('silent-address', { user: place.agentId });
      await driver.create(spec, { commandId: 'command', term: 1, signal: soon() });
      const container = (await inspect(place.engine, containerName(spec.id, 1), soon()))!;
      // nobody has it in the container's network
      const [{ IPAddress }] = Object.values(container.NetworkSettings.Networks!) as [{ IPAddress: string }];
      const silent = IPAddress.replace(/\d+\.\d+$/, '255.254');
      const elsewhere = { ...container, NetworkSettings: { Networks: { none: { IPAddress: silent } } } };
      const execs: string[] = [];
      const engine = new Proxy(place.engine, {
        get(target, key) {
          const value: unknown = Reflect.get(target, key, target);
          if (typeof value !== 'function') return value;
          return (...args: unknown[]) => {
            if (key === 'upgrade') execs.push(String(args[0]));
            return (value as (...all: unknown[]) => unknown).apply(target, args);
          };
        },
      });
      const screens = new Screens(engine, systemClock);
      expect(await screens.speaks(elsewhere, 5900, soon())).toBe(true);
      expect(execs).toHaveLength(1);
      // it is known by now, or soon: the relay serves until then
      expect(await screens.speaks(elsewhere, 5900, soon())).toBe(true);
      expect(execs).toHaveLength(2);
      const fresh = new Screens(engine, systemClock);
      expect(await fresh.speaks(container, 5900, soon())).toBe(true);
      expect(execs).toHaveLength(2);
      await driver.delete(spec.id, { deleteHome: true }, { commandId: 'end', term: 1, signal: soon() });
    });

    it('lists by one request', async () => {
      const asked: string[] = [];
      const engine = new Proxy(place.engine, {
        get(target, key) {
          if (key !== 'json') return Reflect.get(target, key) as unknown;
          return (path: string, ...rest: [object, AbortSignal]) => {
            asked.push(path);
            return target.json(path, ...rest);
          };
        },
      });
      expect(await place.makeDriver({ engine }).list(soon())).toEqual([]);
      expect(asked).toEqual(['/containers/json']);
    });

    it('a list that the engine answered before a start was done calls it no failure', async () => {
      let answered: () => void = () => undefined;
      let release: () => void = () => undefined;
      const captured = new Promise<void>((resolve) => (answered = resolve));
      const held = new Promise<void>((resolve) => (release = resolve));
      let holds = false;
      const engine = new Proxy(place.engine, {
        get(target, key) {
          if (key !== 'json') {
            const value: unknown = Reflect.get(target, key, target);
            return typeof value === 'function' ? (value.bind(target) as unknown) : value;
          }
          return async (path: string, ...rest: [object, AbortSignal]) => {
            const hold = holds && path === '/containers/json';
            holds &&= !hold;
            const answer: unknown = await target.json(path, ...rest);
            if (hold) {
              answered();
              await held;
            }
            return answer;
          };
        },
      });
      let listing: Promise<SessionStatus[]> | undefined;
      const driver = place.makeDriver({
        engine,
        async step(step) {
          if (step !== 'record written' || listing !== undefined) return;
          holds = true;
          listing = driver.list(soon());
          await captured;
        },
      });
      const one = desktopSpec('listed-1', { user: place.agentId });
      const op = (commandId: string) => ({ commandId, term: 1, signal: soon() });
      expect(await driver.create(one, op('create'))).toMatchObject({ state: 'running' });
      release();
      expect(await listing).toEqual([{ spec: one, state: 'starting' }]);
      await driver.delete(one.id, { deleteHome: true }, op('delete'));
    });

    it('carries pictures and keys of several viewers, before and after sleep, and leaves no process behind', async () => {
      const driver = place.makeDriver();
      const one = desktopSpec('exec-1', { user: place.agentId });
      let commands = 0;
      const op = () => ({ commandId: `command-${commands++}`, term: 1, signal: soon() });
      const relays = async () => {
        const [container] = await place.starts(one.id);
        const { Processes } = await place.engine.json<{ Processes: string[][] }>(
          `/containers/${container}/top`,
          {},
          soon(),
        );
        return Processes.filter((columns) => columns.some((text) => /\brelay\b|^cat$/.test(text))).length;
      };
      await driver.create(one, op());
      for (let round = 0; round < 2; round++) {
        const viewers = await Promise.all(
          [1, 2, 3].map(async () => {
            const viewer = await RfbClient.open(await driver.connect(one.id, soon()), soon());
            await viewer.firstPicture(soon());
            return viewer;
          }),
        );
        expect(viewers[0]!.picture.width).toBeGreaterThan(100);
        const { width, height } = viewers[0]!.picture;
        viewers[0]!.pointer(width >> 2, height >> 1, 1);
        viewers[0]!.pointer(width >> 2, height >> 1, 0);
        const changed = viewers[1]!.waitForChange(undefined, soon());
        viewers[0]!.type('hello\n');
        await changed;
        expect(await relays()).toBeGreaterThan(0);
        for (const viewer of viewers) viewer.close();
        await until(async () => (await relays()) === 0, 'the relays to end', LIMIT_MS);
        await driver.hibernate(one.id, op());
        await driver.wake(one.id, op());
      }
      await driver.delete(one.id, { deleteHome: true }, op());
    });
  });
}
