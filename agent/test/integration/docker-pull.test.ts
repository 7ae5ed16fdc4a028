import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DockerPlace, dockerPlace, engineMissing } from './docker-place.ts';
import { desktopSpec } from '../support/spec.ts';

const missing = engineMissing();
const soon = () => AbortSignal.timeout(60_000);
const digest = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const CREDENTIALS = { user: 'ada', password: 'of:lace' };
const PIECES = 8;

/** A layer of one file that does not compress. */
function layer(size: number): { tar: Buffer; gzip: Buffer } {
  const header = Buffer.alloc(512);
  header.write('noise');
  header.write('0000644\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write('        ', 148);
  header.write('0', 156);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  const tar = Buffer.concat([header, randomBytes(size), Buffer.alloc((512 - (size % 512)) % 512), Buffer.alloc(1_024)]);
  return { tar, gzip: gzipSync(tar, { level: 0 }) };
}

/** A registry with one image that asks for credentials and sends its layer piece by piece. */
async function registry(): Promise<{ host: string; server: Server }> {
  const { tar, gzip } = layer(8 * 1024 * 1024);
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      config: {},
      rootfs: { type: 'layers', diff_ids: [digest(tar)] },
    }),
  );
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
      config: {
        mediaType: 'application/vnd.docker.container.image.v1+json',
        size: config.length,
        digest: digest(config),
      },
      layers: [
        { mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip', size: gzip.length, digest: digest(gzip) },
      ],
    }),
  );
  const { user, password } = CREDENTIALS;
  const wanted = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  const server = createServer((request, response) => {
    response.setHeader('Docker-Distribution-Api-Version', 'registry/2.0');
    if (request.headers.authorization !== wanted) {
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="test"' });
      return void response.end(
        JSON.stringify({ errors: [{ code: 'UNAUTHORIZED', message: 'authentication required' }] }),
      );
    }
    const { url = '' } = request;
    if (url === '/v2/') return void response.end('{}');
    if (url.startsWith('/v2/desk/manifests/')) {
      response.writeHead(200, {
        'Content-Type': 'application/vnd.docker.distribution.manifest.v2+json',
        'Content-Length': manifest.length,
        'Docker-Content-Digest': digest(manifest),
      });
      return void response.end(request.method === 'HEAD' ? undefined : manifest);
    }
    if (url.endsWith(digest(config))) return void response.end(config);
    if (!url.endsWith(digest(gzip))) return void response.writeHead(404).end();
    response.writeHead(200, { 'Content-Length': gzip.length });
    void (async () => {
      const size = Math.ceil(gzip.length / PIECES);
      for (let at = 0; at < gzip.length; at += size) {
        response.write(gzip.subarray(at, at + size));
        // the engine tells how far it is ten times a second at most
        await pause(150);
      }
      response.end();
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

describe.skipIf(missing !== undefined)(`docker sessions pull their image${missing ? `: ${missing}` : ''}`, () => {
  let place: DockerPlace;
  let folder: string;
  let host: string;
  let server: Server;
  beforeAll(async () => {
    place = await dockerPlace({ byAddress: true });
    folder = await mkdtemp(join(tmpdir(), 'docker-config-'));
    ({ host, server } = await registry());
  });
  afterAll(async () => {
    await place?.cleanup();
    server?.close();
    await rm(folder, { recursive: true, force: true });
    if (host !== undefined) execFileSync('docker', ['rmi', '-f', `${host}/desk:1`], { stdio: 'ignore' });
  });

  it('with the credentials that docker login wrote, and tells how far it is', async () => {
    const one = desktopSpec(`pull-${place.agentId.slice(5)}`, { user: place.agentId, image: `${host}/desk:1` });
    let commands = 0;
    const op = () => ({ commandId: `command-${commands++}`, term: 1, signal: soon() });
    const driver = place.makeDriver({ dockerConfig: folder });
    await expect(driver.create(one, op())).rejects.toMatchObject({
      code: 'driver_failed',
      message: expect.stringMatching(/may not be pulled: .*docker login is needed/),
      details: { failure: 'image' },
    });
    const auth = Buffer.from(`${CREDENTIALS.user}:${CREDENTIALS.password}`).toString('base64');
    await writeFile(join(folder, 'config.json'), JSON.stringify({ auths: { [host]: { auth } } }));
    const told: number[] = [];
    const over = new AbortController();
    const watching = driver.watch((_, status) => {
      const percent = /^Pulling image \S+: (\d+) %$/.exec(status?.reason ?? '')?.[1];
      if (status?.state === 'starting' && percent !== undefined) told.push(Number(percent));
    }, over.signal);
    await driver.list(soon());
    // it is there now, and has no program
    await expect(driver.create(one, op())).rejects.toMatchObject({ message: expect.stringMatching(/no command/i) });
    expect(told.length).toBeGreaterThan(2);
    expect(told).toEqual(told.toSorted((a, b) => a - b));
    expect(told.some((percent) => percent > 0 && percent < 100)).toBe(true);
    over.abort();
    await watching;
    await driver.delete(one.id, { deleteHome: true }, op());
  });
});
