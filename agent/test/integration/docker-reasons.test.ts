import { execFileSync } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { SessionSpec, SessionStatus } from '@streamspace/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { containerName, recordName } from '../../src/sessions/docker/objects/names.ts';
import type { DockerDriverOptions } from '../../src/sessions/docker/options.ts';
import { DESKTOP_IMAGE, type DockerPlace, dockerPlace, engineMissing, ensureDesktop } from './docker-place.ts';
import { desktopSpec } from '../support/spec.ts';
import { until } from '../support/until.ts';

const missing = engineMissing();
const LIMIT_MS = 60_000;
const soon = () => AbortSignal.timeout(LIMIT_MS);
const made: string[] = [];

function docker(args: readonly string[], input = ''): string {
  return execFileSync('docker', args, { encoding: 'utf8', input, stdio: ['pipe', 'pipe', 'pipe'] });
}

/** An image whose session does that. */
function imageThat(name: string, script: string): string {
  const image = `streamspace-test/${name}:1`;
  docker(
    ['build', '-q', '-t', image, '-'],
    `FROM ${DESKTOP_IMAGE}\nENTRYPOINT ["bash", "-c", ${JSON.stringify(script)}]\n`,
  );
  made.push(image);
  return image;
}

/** A registry that answers every question for a manifest like this; the engine speaks HTTP with loopback. */
async function registry(status: number, code: string, message: string): Promise<{ host: string; server: Server }> {
  const server = createServer((request, response) => {
    response.setHeader('Docker-Distribution-Api-Version', 'registry/2.0');
    if (request.url === '/v2/') return void response.end('{}');
    response.statusCode = status;
    response.end(JSON.stringify({ errors: [{ code, message }] }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

describe.skipIf(missing !== undefined)(`docker sessions fail with their reason${missing ? `: ${missing}` : ''}`, () => {
  let place: DockerPlace;
  let count = 0;
  beforeAll(async () => {
    ensureDesktop();
    place = await dockerPlace({ byAddress: true });
  }, 900_000);
  afterAll(async () => {
    await place?.cleanup();
    if (made.length > 0) docker(['rmi', '-f', ...made]);
  }, 120_000);

  const spec = (changes: Partial<SessionSpec> = {}): SessionSpec =>
    desktopSpec(`reasons-${place.agentId.slice(5)}-${count++}`, changes);
  const op = () => ({ commandId: `command-${count++}`, term: 1, signal: soon() });

  /** Creates it, and sees the reason thrown, listed by the next leader, and gone with the session. */
  async function fails(
    changes: Partial<SessionSpec>,
    options: Partial<DockerDriverOptions>,
    words: RegExp,
    code = 'driver_failed',
  ): Promise<void> {
    const driver = place.makeDriver({ startDeadline: 8_000, ...options });
    const one = spec(changes);
    await expect(driver.create(one, op())).rejects.toMatchObject({ code, message: expect.stringMatching(words) });
    const listed = (await place.makeDriver().list(soon())).find((each) => each.spec.id === one.id);
    expect(listed).toMatchObject({ state: 'failed', reason: expect.stringMatching(words) });
    expect(await place.running(one.id)).toBe(0);
    await driver.delete(one.id, { deleteHome: true }, op());
  }

  it('an exit code with the last lines', () =>
    fails(
      { image: imageThat('exits', 'echo there is no display >&2; exit 3') },
      {},
      /exit code 3\. Its last lines:\nthere is no display/,
    ));

  it('more memory than its limit', () =>
    fails(
      { image: imageThat('eats', 'exec tail /dev/zero'), memory: 64 * 2 ** 20 },
      {},
      /more memory than its limit of 64 MiB/,
    ));

  it('an image without a VNC server', () =>
    fails(
      { image: imageThat('sleeps', 'exec sleep 60') },
      { startDeadline: 3_000 },
      /^Not started within 3 s: its screen does not answer on port 5900/,
    ));

  it('an image that is not there, and may not be pulled', () =>
    fails(
      { image: 'none/such:1' },
      { sessionImagePullPolicy: 'Never' },
      /image none\/such:1 is not on the engine, and SESSION_IMAGE_PULL_POLICY is Never/,
    ));

  it('a registry that is away', () =>
    fails({ image: '127.0.0.1:1/none:1' }, {}, /^The registry of image 127\.0\.0\.1:1\/none:1 does not answer: /));

  it.each([
    [404, 'MANIFEST_UNKNOWN', 'manifest unknown', /^There is no image 127\.0\.0\.1:\d+\/none:1: .*manifest unknown/],
    [
      403,
      'DENIED',
      'requested access to the resource is denied',
      /^Image 127\.0\.0\.1:\d+\/none:1 may not be pulled: .*docker login is needed/,
    ],
  ])('a registry that answers %i %s', async (status, code, message, words) => {
    const { host, server } = await registry(status, code, message);
    try {
      await fails({ image: `${host}/none:1` }, {}, words);
    } finally {
      server.close();
    }
  });

  it('no runtime for graphics cards', () =>
    fails(
      {},
      { sessionGpus: '1' },
      /^The engine has no runtime for graphics cards .*NVIDIA Container Toolkit, or unset SESSION_GPUS/,
    ));

  it('a runtime that the engine does not know', () =>
    fails(
      {},
      { sessionRuntime: 'none-such' },
      /^The engine does not know the runtime of SESSION_RUNTIME: .*none-such/,
    ));

  it('a network that is not there', () =>
    fails({}, { sessionNetwork: 'none-such' }, /^The network of SESSION_NETWORK is not there: .*none-such/));

  it.each([
    ['its own', (id: string) => containerName(id, 1)],
    ['its record’s', (id: string) => recordName(id, 1)],
  ])('a stranger has a name: %s', async (_, nameOf) => {
    const driver = place.makeDriver({ startDeadline: 8_000 });
    const one = spec();
    const name = nameOf(one.id);
    docker(['create', '--name', name, DESKTOP_IMAGE]);
    try {
      const message = expect.stringContaining(
        `has a container ${name} that StreamSpace did not make, and it is left alone`,
      );
      await expect(driver.create(one, op())).rejects.toMatchObject({ code: 'driver_failed', message });
      await driver.delete(one.id, { deleteHome: true }, op()).catch(() => undefined);
      expect(docker(['inspect', '-f', '{{.State.Status}}', name]).trim()).toBe('created');
    } finally {
      docker(['rm', '-f', name]);
    }
    await driver.delete(one.id, { deleteHome: true }, op());
  });

  it('tells of a pause, of its end, and of a container that somebody removed', async () => {
    const driver = place.makeDriver();
    const one = spec();
    await driver.create(one, op());
    const news: (SessionStatus | undefined)[] = [];
    const over = new AbortController();
    const watching = driver.watch((id, status) => void (id === one.id && news.push(status)), over.signal);
    const heard = (what: (status: SessionStatus | undefined) => boolean) =>
      until(() => news.some(what), 'the news', LIMIT_MS);
    // the watch begins with what is so
    await driver.list(soon());
    docker(['pause', containerName(one.id, 1)]);
    await heard((status) => /is paused/.test(status?.reason ?? ''));
    docker(['unpause', containerName(one.id, 1)]);
    await heard((status) => status?.state === 'running' && status.reason === undefined);
    docker(['rm', '-f', containerName(one.id, 1)]);
    await heard((status) => status?.state === 'failed' && /removed from outside/.test(status.reason ?? ''));
    over.abort();
    await watching;
    expect(await driver.wake(one.id, op())).toMatchObject({ state: 'running' });
    await driver.delete(one.id, { deleteHome: true }, op());
  });
});
