import { request as httpRequest } from 'node:http';
import type { SessionSpec, SessionStatus } from '@streamspace/protocol';
import { RfbClient } from '@streamspace/testkit';
import { systemClock } from 'clock-port';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { engineAddress } from '../../src/sessions/docker/engine/address.ts';
import { Engine } from '../../src/sessions/docker/engine/engine.ts';
import { driverContract } from '../contract/driver.ts';
import { desktopSpec } from '../support/spec.ts';
import { until } from '../support/until.ts';
import { type DockerPlace, dockerPlace, engineMissing, ensureDesktop } from './docker-place.ts';
import { proxyMissing, RULE_NAMES, SocketProxy } from './socket-proxy.ts';

const elsewhere = process.env['DOCKER_HOST'] === undefined ? undefined : 'the engine is not on the socket of this host';
const missing = engineMissing() ?? elsewhere ?? proxyMissing();
const LIMIT_MS = 60_000;
const soon = () => AbortSignal.timeout(LIMIT_MS);

/** Sessions whose driver has only the proxy's socket; the test itself has the engine's. */
async function placeBehind(proxy: SocketProxy): Promise<DockerPlace> {
  const place = await dockerPlace({ byAddress: false });
  const engine = new Engine(engineAddress(`unix://${proxy.socket}`, undefined), systemClock);
  const makeDriver = place.makeDriver.bind(place);
  const cleanup = place.cleanup.bind(place);
  return Object.assign(place, {
    makeDriver: (changes = {}) => makeDriver({ engine, ...changes }),
    async cleanup() {
      engine.close();
      await cleanup();
    },
  });
}

/** Status of the answer to a raw request. */
const ask = (proxy: SocketProxy, method: string, path: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const request = httpRequest({ socketPath: proxy.socket, method, path, headers: { Host: 'docker' } }, (answer) => {
      answer.resume();
      resolve(answer.statusCode!);
    });
    request.on('error', reject).end();
  });

describe.skipIf(missing !== undefined)(
  `docker sessions through deploy/socket-proxy.conf${missing ? `: ${missing}` : ''}`,
  () => {
    let place: DockerPlace;
    let proxy: SocketProxy;
    beforeAll(async () => {
      ensureDesktop();
      proxy = await SocketProxy.start();
      place = await placeBehind(proxy);
    }, 900_000);
    afterAll(async () => {
      await place?.cleanup();
      await proxy?.stop();
    });

    it('ask what the list has, and nothing else', async () => {
      const driver = place.makeDriver({ startDeadline: 20_000 });
      let commands = 0;
      const op = () => ({ commandId: `command-${commands++}`, term: 1, signal: soon() });
      const spec = (id: string, changes: Partial<SessionSpec> = {}) =>
        desktopSpec(id, { user: place.agentId, ...changes });
      const one = spec(`${place.agentId}-1`);
      const news: (SessionStatus | undefined)[] = [];
      const over = new AbortController();
      const watching = driver.watch((id, status) => void (id === one.id && news.push(status)), over.signal);
      expect(await driver.create(one, op())).toMatchObject({ state: 'running' });
      const viewer = await RfbClient.open(await driver.connect(one.id, soon()), soon());
      await viewer.firstPicture(soon());
      viewer.close();
      await place.kill(one.id);
      await until(() => news.some((status) => status?.state === 'failed'), 'news of the end', LIMIT_MS);
      await driver.wake(one.id, op());
      await driver.hibernate(one.id, op());
      expect(await driver.capacity(soon())).toMatchObject({ max_sessions: 100 });
      await expect(
        driver.create(spec(`${place.agentId}-2`, { image: '127.0.0.1:1/none:1' }), op()),
      ).rejects.toMatchObject({
        message: expect.stringContaining('does not answer'),
      });
      await driver.delete(one.id, { deleteHome: true }, op());
      await driver.delete(`${place.agentId}-2`, { deleteHome: true }, op());
      over.abort();
      await watching;
      const { used, refused } = await proxy.asked();
      expect(refused).toEqual([]);
      // where an engine lacks the network, where two remove one container at once, for warm containers; nginx logs streams at their end
      const seldom = ['POST /networks/create', 'POST /containers/ID/wait', 'POST /containers/ID/rename', 'GET /events'];
      expect(RULE_NAMES.filter((rule) => !used.has(rule) && !seldom.includes(rule))).toEqual([]);
      expect([...used].filter((rule) => !RULE_NAMES.includes(rule))).toEqual([]);
    });

    it('refuse everything else, however it is written', async () => {
      for (const [method, path] of [
        ['POST', '/build'],
        ['GET', '/v1.41/containers/x/archive?path=/'],
        ['PUT', '/v1.41/containers/x/archive'],
        ['POST', '/v1.41/containers/x/kill'],
        ['POST', '/v1.41/containers/json/../../build'],
        ['POST', '/v1.41/containers/%2e%2e/build'],
        ['GET', '/v1.41/info%0a'],
        ['GET', '/v1.41/containers/x%2fy/json'],
        ['POST', '/v1.41/swarm/init'],
        ['DELETE', '/v1.41/images/x'],
        ['POST', '/v1.41/info'],
      ] as const)
        expect([method, path, await ask(proxy, method, path)]).toEqual([method, path, 403]);
      expect(await ask(proxy, 'GET', '/v1.41/info')).toBe(200);
    });
  },
);

// the long form, by hand: DOCKER_PROXY=1 runs all of the contract through the proxy
if (missing === undefined && process.env['DOCKER_PROXY'] === '1') {
  let proxy: SocketProxy | undefined;
  beforeAll(async () => {
    ensureDesktop();
    proxy = await SocketProxy.start();
  }, 900_000);
  afterAll(() => proxy?.stop());
  driverContract('docker through the socket proxy', () => placeBehind(proxy!), { step: 60_000 });
}
