import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SessionSpec, SessionStatus } from '@streamspace/protocol';
import { RfbClient } from '@streamspace/testkit';
import { systemClock } from 'clock-port';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { engineAddress } from '../../src/sessions/docker/engine/address.ts';
import { Engine } from '../../src/sessions/docker/engine/engine.ts';
import { type DockerPlace, dockerPlace, engineMissing, ensureDesktop } from './docker-place.ts';
import { desktopSpec } from '../support/spec.ts';
import { until } from '../support/until.ts';

const missing = engineMissing();
const LIMIT_MS = 60_000;
const soon = () => AbortSignal.timeout(LIMIT_MS);
const SOCKET = '/var/run/docker.sock';

/** What docs/docker.md says that a proxy has to let through. */
function allowed(): { rule: string; method: string; path: RegExp }[] {
  const page = readFileSync(fileURLToPath(new URL('../../../docs/docker.md', import.meta.url)), 'utf8');
  return [...page.matchAll(/^\| (GET|POST|DELETE) +\| (.*) \|$/gm)].flatMap(([, method, cell]) =>
    [...cell!.matchAll(/`([^`]+)`/g)].map(([, path]) => ({
      rule: `${method} ${path}`,
      method: method!,
      path: new RegExp(`^(/v1\\.\\d+)?${path!.replace('/ID', '/[\\w.-]+').replace('/NAME', '/[\\w./:-]+')}$`),
    })),
  );
}

/** A proxy that lets through what the page lists. */
class AllowList {
  readonly path: string;
  readonly used = new Set<string>();
  readonly refused: string[] = [];
  readonly #server: Server;

  constructor(path: string) {
    this.path = path;
    const rules = allowed();
    const rule = ({ method, url = '' }: IncomingMessage): boolean => {
      const [asked = ''] = url.split('?');
      const found = rules.find((each) => each.method === method && each.path.test(decodeURIComponent(asked)));
      if (found === undefined) this.refused.push(`${method} ${url}`);
      else this.used.add(found.rule);
      return found !== undefined;
    };
    const forward = ({ method, url, headers }: IncomingMessage) =>
      httpRequest({ socketPath: SOCKET, method: method!, path: url!, headers });
    this.#server = createServer((request, response) => {
      if (!rule(request)) return void response.writeHead(403).end('{"message":"not on the list"}');
      const onward = forward(request);
      onward.on('response', (answer) => {
        response.writeHead(answer.statusCode!, answer.headers);
        // headers of a stream are news of their own
        response.flushHeaders();
        answer.pipe(response);
        response.on('close', () => answer.destroy());
      });
      onward.on('error', () => response.destroy());
      request.pipe(onward);
    });
    this.#server.on('upgrade', (request, client, head) => {
      if (!rule(request)) return void client.end('HTTP/1.1 403 No\r\n\r\n');
      const onward = forward(request);
      onward.on('upgrade', (answer, engine, first) => {
        const lines = Object.entries(answer.headers).map(([name, value]) => `${name}: ${String(value)}`);
        client.write(`HTTP/1.1 101 UPGRADED\r\n${lines.join('\r\n')}\r\n\r\n`);
        if (first.length > 0) client.write(first);
        client.on('error', () => engine.destroy()).on('close', () => engine.destroy());
        engine.on('error', () => client.destroy()).on('close', () => client.destroy());
        engine.pipe(client).pipe(engine);
      });
      onward.on('error', () => client.destroy());
      const length = Number(request.headers['content-length'] ?? 0);
      let body = head;
      const take = () => {
        if (body.length < length) return;
        client.off('data', more);
        onward.end(body.subarray(0, length));
      };
      const more = (chunk: Buffer) => {
        body = Buffer.concat([body, chunk]);
        take();
      };
      client.on('data', more);
      take();
    });
  }

  listen(): Promise<void> {
    return new Promise((resolve) => this.#server.listen(this.path, resolve));
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

describe.skipIf(missing !== undefined || process.env['DOCKER_HOST'] !== undefined)(
  `docker sessions through a proxy for the socket${missing ? `: ${missing}` : ''}`,
  () => {
    let place: DockerPlace;
    let folder: string;
    let proxy: AllowList;
    let engine: Engine;
    beforeAll(async () => {
      ensureDesktop();
      place = await dockerPlace({ byAddress: false });
      folder = await mkdtemp(join(tmpdir(), 'docker-proxy-'));
      proxy = new AllowList(join(folder, 'engine.sock'));
      await proxy.listen();
      engine = new Engine(engineAddress(`unix://${proxy.path}`, undefined), systemClock);
    }, 900_000);
    afterAll(async () => {
      engine?.close();
      proxy?.close();
      await place?.cleanup();
      await rm(folder, { recursive: true, force: true });
    });

    it('ask what docs/docker.md lists, and nothing else', async () => {
      const driver = place.makeDriver({ engine, startDeadline: 20_000 });
      let commands = 0;
      const op = () => ({ commandId: `command-${commands++}`, term: 1, signal: soon() });
      const spec = (id: string, changes: Partial<SessionSpec> = {}) =>
        desktopSpec(id, { user: place.agentId, ...changes });
      const one = spec('proxy-1');
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
      await expect(driver.create(spec('proxy-2', { image: '127.0.0.1:1/none:1' }), op())).rejects.toMatchObject({
        message: expect.stringContaining('does not answer'),
      });
      await driver.delete(one.id, { deleteHome: true }, op());
      await driver.delete('proxy-2', { deleteHome: true }, op());
      over.abort();
      await watching;
      expect(proxy.refused).toEqual([]);
      // where an engine lacks the network, where two remove one container at once, for warm containers
      const seldom = ['POST /networks/create', 'POST /containers/ID/wait', 'POST /containers/ID/rename'];
      const listed = allowed().map(({ rule }) => rule);
      expect(listed.filter((rule) => !proxy.used.has(rule) && !seldom.includes(rule))).toEqual([]);
    });
  },
);
