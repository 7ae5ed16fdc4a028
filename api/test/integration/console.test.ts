import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Rest } from '../support/rest.ts';

let dir: string;
let hub: Rest;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'console-'));
  await mkdir(join(dir, 'assets'));
  await writeFile(join(dir, 'index.html'), '<!doctype html><head><title>console</title></head><!-- PUBLIC_URL -->');
  await writeFile(join(dir, 'assets', 'app-1a2b.js'), 'export {}');
});
afterAll(() => rm(dir, { recursive: true }));
afterEach(() => hub.stop());

const get = (url: string, accept = 'text/html') => hub.as(undefined, 'GET', url, undefined, { accept });

describe('the page', () => {
  it('is served, also at addresses of its own', async () => {
    hub = await Rest.start({ CONSOLE_DIR: dir });
    for (const url of ['/', '/index.html', '/sessions/s-1', '/agents', '/apis']) {
      const page = await get(url);
      expect(page, url).toMatchObject({ status: 200, body: expect.stringContaining('<title>console') });
      expect(page.headers).toMatchObject({
        'cache-control': 'no-cache',
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
      });
      const policy = String(page.headers['content-security-policy']);
      expect(policy).toContain("default-src 'self'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/unsafe|https?:|\*/);
    }
    const script = await get('/assets/app-1a2b.js', '*/*');
    expect(script).toMatchObject({ status: 200, body: 'export {}' });
    expect(script.headers['cache-control']).toContain('immutable');
  });

  it('V3 is served whatever address it was opened at, and the API says in words what is wrong with that', async () => {
    const headers = { host: 'hub:8080', origin: 'http://localhost:9000' };
    hub = await Rest.start({ CONSOLE_DIR: dir });
    expect(await hub.as(undefined, 'GET', '/assets/app-1a2b.js', undefined, headers)).toMatchObject({ status: 200 });
    expect(await hub.as('alice', 'GET', 'sessions', undefined, headers)).toMatchObject({
      status: 403,
      code: 'origin_refused',
      message: expect.stringMatching(
        /names the host hub:8080;.*pass on Host, or set PUBLIC_URL=http:\/\/localhost:9000/,
      ),
    });
    await hub.stop();
    hub = await Rest.start({ CONSOLE_DIR: dir, PUBLIC_URL: 'https://hub.example' });
    expect(await hub.as('alice', 'GET', 'sessions', undefined, headers)).toMatchObject({
      status: 403,
      message: expect.stringContaining('its own address is https://hub.example (PUBLIC_URL): open that'),
    });
    for (const url of ['/docs', '/api', '/health']) {
      expect((await hub.as(undefined, 'GET', url, undefined, headers)).status, url).toBe(403);
    }
  });

  it('V3 lives under the path of PUBLIC_URL, whether a proxy takes that away or not', async () => {
    const PUBLIC_URL = 'https://example.com/streamspace';
    hub = await Rest.start({ CONSOLE_DIR: dir, PUBLIC_URL });
    for (const url of [
      '/',
      '/streamspace',
      '/streamspace/',
      '/streamspace/sessions/s-1',
      '/sessions/s-1?a=b',
      '/index.html',
    ])
      expect(await get(url), url).toMatchObject({
        status: 200,
        body: expect.stringContaining(
          `<head><base href="/streamspace/" /><title>console</title></head>It is ${PUBLIC_URL}.`,
        ),
      });
    for (const prefix of ['', '/streamspace']) {
      expect((await get(`${prefix}/assets/app-1a2b.js`, '*/*')).status).toBe(200);
      expect((await hub.as('alice', 'GET', `${prefix}/api/v1/sessions`)).status).toBe(200);
      expect((await hub.as(undefined, 'GET', `${prefix}/docs`)).body).toContain('"./docs/static/swagger-ui-bundle.js"');
      expect((await hub.as(undefined, 'GET', `${prefix}/docs/`)).body).toContain('"./static/swagger-ui-bundle.js"');
      expect((await hub.as(undefined, 'GET', `${prefix}/api/v1/openapi.json`)).body.servers).toEqual([
        { url: PUBLIC_URL },
      ]);
    }
    expect((await get('/streamspacer/api/v1/sessions', '*/*')).status).toBe(404);
    const headers = { host: 'inside:8080', origin: 'https://example.com' };
    expect((await hub.as('alice', 'GET', '/streamspace/api/v1/sessions', undefined, headers)).status).toBe(200);
  });

  it('V3 knows what the page is relative to where nobody told it a path', async () => {
    hub = await Rest.start({ CONSOLE_DIR: dir });
    expect((await get('/')).body).toContain('<base href="./" />');
    expect((await get('/sessions/s-1')).body).toMatch(/<base href="\.\.\/" \/>.*It is not set\./);
    expect((await get('/')).headers['content-security-policy']).toContain("base-uri 'self'");
  });

  it('is no answer to what asks for something else', async () => {
    hub = await Rest.start({ CONSOLE_DIR: dir });
    expect(await get('/assets/gone.js', '*/*')).toMatchObject({ status: 404, code: 'not_found' });
    expect(await get('/api/v1/nothing')).toMatchObject({ status: 404, code: 'not_found' });
    expect(await hub.as('alice', 'POST', '/sessions/s-1', {})).toMatchObject({ status: 404, code: 'not_found' });
    for (const url of ['/../package.json', '/%2e%2e/package.json', '/assets/..%2f..%2fetc/passwd'])
      expect((await get(url, '*/*')).status).toBeGreaterThanOrEqual(400);
  });

  it('says how to build it where it is not built', async () => {
    hub = await Rest.start({ CONSOLE_DIR: join(dir, 'none') });
    expect(await get('/')).toMatchObject({
      status: 404,
      code: 'not_found',
      message: expect.stringContaining('npm run build'),
    });
    expect((await hub.as('alice', 'GET', 'sessions')).status).toBe(200);
  });
});
