import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { systemClock } from 'clock-port';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { engineAddress } from '../../src/sessions/docker/engine/address.ts';
import { Engine } from '../../src/sessions/docker/engine/engine.ts';
import { EngineError, isNameTaken } from '../../src/sessions/docker/engine/error.ts';
import { jsonLines } from '../../src/sessions/docker/engine/json-lines.ts';
import { ProcessStream } from '../../src/sessions/docker/engine/process-stream.ts';
import { registryAuth } from '../../src/sessions/docker/images/credentials.ts';
import { imageReference } from '../../src/sessions/docker/images/reference.ts';
import { engineRefusal } from '../../src/sessions/docker/state/reason.ts';

const soon = () => AbortSignal.timeout(10_000);
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'docker-engine-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('address of the engine', () => {
  it.each([
    ['unix:///run/user/1000/docker.sock', { kind: 'unix', path: '/run/user/1000/docker.sock' }],
    ['tcp://engine.example:1234', { kind: 'tcp', host: 'engine.example', port: 1234, tls: undefined }],
    ['tcp://[::1]', { kind: 'tcp', host: '::1', port: 2375, tls: undefined }],
    ['ssh://ada@host:2222', { kind: 'ssh', destination: 'ada@host', port: 2222 }],
    ['ssh://host', { kind: 'ssh', destination: 'host', port: undefined }],
  ])('%s', (host, address) => expect(engineAddress(host, undefined)).toEqual(address));

  it.each([
    ['unix://relative', 'has no absolute path'],
    ['npipe:////./pipe/docker', 'neither unix://, tcp:// nor ssh://'],
    ['tcp://host/path', 'has a path'],
    ['ssh://ada:secret@host', 'has a password in it'],
    ['ssh://-oProxyCommand=x', 'names no host'],
    ['https://host', 'DOCKER_HOST is https; give the folder'],
    ['nonsense', 'is no address'],
  ])('refuses %s', (host, words) => expect(() => engineAddress(host, undefined)).toThrow(words));

  it('reads the three files of a certificate folder, and names the one that it lacks', async () => {
    for (const name of ['ca', 'cert']) await writeFile(join(folder, `${name}.pem`), name);
    expect(() => engineAddress('tcp://host', folder)).toThrow(`${join(folder, 'key.pem')} can’t be read`);
    await writeFile(join(folder, 'key.pem'), 'key');
    const tls = { ca: 'ca', cert: 'cert', key: 'key' };
    expect(engineAddress('tcp://host', folder)).toEqual({ kind: 'tcp', host: 'host', port: 2376, tls });
  });
});

describe('Engine', () => {
  let server: Server | undefined;
  let engine: Engine | undefined;
  afterEach(() => {
    engine?.close();
    server?.closeAllConnections();
    server?.close();
  });
  async function engineThat(answer: RequestListener): Promise<Engine> {
    const path = join(folder, 'engine.sock');
    server = createServer(answer);
    await new Promise<void>((resolve) => server!.listen(path, resolve));
    return (engine = new Engine(engineAddress(`unix://${path}`, undefined), systemClock));
  }
  const speaking =
    (api: string, answer: RequestListener): RequestListener =>
    (request, response) => {
      if (request.url !== '/_ping') return answer(request, response);
      response.setHeader('Api-Version', api).end('OK');
    };

  it.each([
    ['1.41', '/v1.41/info'],
    ['1.54', '/v1.47/info'],
  ])('speaks the API that both know: the engine has %s', async (api, path) => {
    const asked: (string | undefined)[] = [];
    const one = await engineThat(
      speaking(api, (request, response) => void (asked.push(request.url), response.end('{}'))),
    );
    await one.json('/info', {}, soon());
    await one.json('/info', {}, soon());
    expect(asked).toEqual([path, path]);
  });

  it('refuses an API that is too old, and says what to update', async () => {
    const one = await engineThat(speaking('1.40', (_, response) => void response.end('{}')));
    await expect(one.json('/info', {}, soon())).rejects.toMatchObject({
      status: 400,
      message: expect.stringMatching(/speaks API 1\.40, and 1\.41 is needed: update it \(Docker 20\.10, Podman 4\.3/),
    });
  });

  it('says that a socket is none, and how to find it', async () => {
    engine = new Engine(engineAddress(`unix://${folder}/none.sock`, undefined), systemClock);
    await expect(engine.json('/info', {}, soon())).rejects.toMatchObject({
      status: 0,
      message: expect.stringMatching(/can’t be reached: .*ENOENT.*is the engine running, and DOCKER_HOST its socket\?/),
    });
  });

  it('passes on what the engine says, and asks for its version again after it was away', async () => {
    let api = '1.41';
    const asked: (string | undefined)[] = [];
    const one = await engineThat((request, response) => {
      asked.push(request.url);
      if (request.url === '/_ping') return void response.setHeader('Api-Version', api).end('OK');
      if (asked.length === 2) return void request.socket.destroy();
      response.statusCode = 409;
      response.end('{"message":"Conflict. The container name \\"/x\\" is already in use by container \\"1\\"."}');
    });
    await expect(one.json('/a', {}, soon())).rejects.toMatchObject({
      status: 0,
      message: expect.stringMatching(/can’t be reached: .*is the engine running\?$/),
    });
    api = '1.43';
    const error = await one.json('/b', {}, soon()).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ status: 409, message: expect.stringContaining('already in use') });
    expect(isNameTaken(error)).toBe(true);
    expect(asked).toEqual(['/_ping', '/v1.41/a', '/_ping', '/v1.43/b']);
  });

  it.each([
    'container create: creating container storage: the container name "x" is already in use by 2f7a4. You have to remove that container to be able to reuse that name: that name is already in use',
    'network name x already used: network already exists',
  ])('knows by the words of Podman that a name is taken: %s', (words) =>
    expect(isNameTaken(new EngineError(500, words))).toBe(true),
  );

  it('gives up an answer that does not come, by the deadline and by the signal', async () => {
    const one = await engineThat(speaking('1.41', () => undefined));
    await expect(one.json('/info', { ms: 30 }, soon())).rejects.toMatchObject({
      status: 0,
      message: expect.stringContaining('no answer within 30 ms'),
    });
    await expect(one.json('/info', {}, AbortSignal.timeout(30))).rejects.toThrow(/timeout/);
  });

  it('gives up an answer that begins and does not end', async () => {
    const one = await engineThat(speaking('1.41', (_, response) => void response.write('{"a":')));
    await expect(one.json('/info', { ms: 50 }, soon())).rejects.toMatchObject({
      status: 0,
      message: expect.stringContaining('no answer within 50 ms'),
    });
    await expect(one.json('/info', {}, AbortSignal.timeout(50))).rejects.toThrow(/timeout/);
  });

  it('ends a stream with its signal, and not before', async () => {
    const one = await engineThat(speaking('1.41', (_, response) => void response.write('{"n":1}\n{"n":2}\n')));
    const over = new AbortController();
    const seen: unknown[] = [];
    const events = await one.stream('/events', { ms: 50 }, over.signal);
    const reading = (async () => {
      for await (const event of jsonLines(events))
        if (seen.push(event) === 2) setTimeout(() => over.abort(new Error('over')), 100);
    })();
    await expect(reading).rejects.toThrow('over');
    expect(seen).toEqual([{ n: 1 }, { n: 2 }]);
  });
});

describe('jsonLines', () => {
  it('reads values wherever the stream is cut, the last one without an end of its line too', async () => {
    const bytes = Buffer.from('{"a":"ü"}\r\n\n{"b":2}\n{"c":3}');
    for (let cut = 0; cut <= bytes.length; cut++) {
      const seen: unknown[] = [];
      for await (const value of jsonLines(Readable.from([bytes.subarray(0, cut), bytes.subarray(cut)])))
        seen.push(value);
      expect(seen).toEqual([{ a: 'ü' }, { b: 2 }, { c: 3 }]);
    }
  });
  it('refuses a line without end', async () => {
    const endless = jsonLines(Readable.from(Array.from({ length: 20 }, () => Buffer.alloc(100_000, 'x'))));
    await expect(endless.next()).rejects.toThrow(/a line of more than/);
  });
});

describe('ProcessStream', () => {
  const frame = (stream: number, text: string) => {
    const header = Buffer.alloc(8);
    header[0] = stream;
    header.writeUInt32BE(text.length, 4);
    return Buffer.concat([header, Buffer.from(text)]);
  };
  it('takes frames apart wherever they are cut', async () => {
    const bytes = Buffer.concat([frame(1, 'RFB 003.008\n'), frame(1, 'more'), frame(1, '')]);
    for (let cut = 1; cut < bytes.length; cut++) {
      const socket = new PassThrough();
      const stream = new ProcessStream(socket);
      let got = '';
      stream.on('data', (chunk: Buffer) => (got += chunk.toString()));
      socket.write(bytes.subarray(0, cut));
      socket.end(bytes.subarray(cut));
      await new Promise((resolve) => stream.once('end', resolve));
      expect(got).toBe('RFB 003.008\nmore');
    }
  });
  it('ends with what the process said on standard error', async () => {
    const socket = new PassThrough();
    const stream = new ProcessStream(socket);
    const failed = new Promise((resolve) => stream.once('error', resolve));
    stream.resume();
    socket.end(frame(2, 'the image has neither\n'));
    expect(await failed).toMatchObject({ message: 'the image has neither' });
  });
});

describe('images', () => {
  it.each([
    ['debian', 'debian', 'latest', 'https://index.docker.io/v1/'],
    ['library/debian:12', 'library/debian', '12', 'https://index.docker.io/v1/'],
    ['registry.example.com:5000/a/b:1', 'registry.example.com:5000/a/b', '1', 'registry.example.com:5000'],
    ['localhost/a', 'localhost/a', 'latest', 'localhost'],
    ['ghcr.io/a/b@sha256:abc', 'ghcr.io/a/b', 'sha256:abc', 'ghcr.io'],
  ])('%s', (image, repository, version, registry) =>
    expect(imageReference(image)).toEqual({ repository, version, registry }),
  );

  it('finds the credentials that docker login wrote, or none', async () => {
    expect(await registryAuth('ghcr.io', folder, soon())).toBeUndefined();
    const auth = Buffer.from('ada:a:b').toString('base64');
    await writeFile(join(folder, 'config.json'), JSON.stringify({ auths: { 'ghcr.io': { auth } } }));
    expect(await registryAuth('quay.io', folder, soon())).toBeUndefined();
    const found = (await registryAuth('ghcr.io', folder, soon()))!;
    expect(JSON.parse(Buffer.from(found, 'base64url').toString())).toEqual({
      username: 'ada',
      password: 'a:b',
      serveraddress: 'ghcr.io',
    });
    await writeFile(join(folder, 'config.json'), '{nonsense');
    await expect(registryAuth('ghcr.io', folder, soon())).rejects.toThrow(
      `${join(folder, 'config.json')} can’t be read`,
    );
  });

  it.each([
    ['write /var/lib/docker/tmp: no space left on device', /^The engine’s disk is full: .*docker system df/],
    ['OCI runtime create failed: exec: "/x": permission denied: unknown', /^The engine refused it: /],
    ['pull access denied for x, repository does not exist or may require docker login', /^Image x:1 may not be pulled/],
  ])('says what %s means', (message, words) => expect(engineRefusal(new Error(message), 'x:1').reason).toMatch(words));
});
