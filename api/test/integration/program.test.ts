import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';

const PROGRAM = fileURLToPath(new URL('../../../dist/hub.js', import.meta.url));
const ENV = {
  PORT: '0',
  METRICS_PORT: '0',
  HOST: '127.0.0.1',
  JWT_SECRET: 'a secret of the tests, long enough for HS256',
};

const hasIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));

let dir: string;
let running: { kill(signal: NodeJS.Signals): boolean }[] = [];
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hub-'));
});
afterAll(() => rm(dir, { recursive: true }));
afterEach(() => {
  for (const hub of running) hub.kill('SIGKILL');
  running = [];
});

/** The program as it is installed, with nothing in its environment but this. */
function start(env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [PROGRAM], { env: { ...ENV, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const hub = {
    out: '',
    err: '',
    ended: new Promise<number | null>((resolve) => child.once('close', resolve)),
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    /** Where it listens, as it says itself. */
    async url(): Promise<string> {
      await vi.waitFor(() => expect(hub.out).toContain('hub listening'), 20_000);
      return /"url":"([^"]+)"/.exec(hub.out)![1]!;
    },
  };
  child.stdout.on('data', (data) => (hub.out += data));
  child.stderr.on('data', (data) => (hub.err += data));
  running.push(hub);
  return hub;
}

describe('the program', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'says in one line where it listens, serves, and ends on %s',
    async (signal) => {
      const hub = start();
      const url = await hub.url();
      expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
      expect(hub.out.trim().split('\n')).toHaveLength(1);
      expect((await fetch(`${url}/health`)).status).toBe(200);
      expect((await fetch(`${url}/api/v1/openapi.json`)).status).toBe(200);
      expect((await fetch(`${url}/docs`)).status).toBe(200);
      const metrics = /"metrics":"([^"]+)"/.exec(hub.out)![1]!;
      expect(metrics).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/metrics$/);
      expect(await (await fetch(metrics)).text()).toContain('process_resident_memory_bytes');
      hub.kill(signal);
      expect(await hub.ended).toBe(0);
      expect(hub.out).toContain('hub stopped');
      expect(hub.err).toBe('');
    },
  );

  it('F2 listens on both families, and takes the bare address that the kubelet gives a pod', async () => {
    const hub = start({ HOST: '::', HUB_ADDRESS: 'fd00::7' });
    const url = await hub.url();
    expect(hub.out).toMatch(/"hub":"http:\/\/\[fd00::7\]:(\d+|0#)/);
    const { port } = new URL(url);
    for (const host of ['127.0.0.1', '[::1]'].slice(0, hasIpv6 ? 2 : 1))
      expect((await fetch(`http://${host}:${port}/health`)).status).toBe(200);
  });

  it('says everything that is wrong with its configuration, and ends', async () => {
    const hub = start({ PORT: 'x', JWT_SECRET: '', STREAMSPACE_X: '1' });
    expect(await hub.ended).toBe(78);
    for (const name of ['PORT', 'JWT_SECRET', 'STREAMSPACE_X']) expect(hub.err).toContain(`\n  ${name}: `);
    expect(hub.err).not.toContain('    at ');
  });

  it.each(['PORT', 'METRICS_PORT'])('names %s when another program has it', async (variable) => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const hub = start({ [variable]: String(port) });
    expect(await hub.ended).toBe(1);
    expect(hub.err.trim()).toBe(
      `hub: ${variable}=${port} is in use by another program: set ${variable} to a free port, or to 0 for any`,
    );
    await new Promise((resolve) => other.close(resolve));
  });

  it('takes templates of a file, and says what is wrong with one', async () => {
    const path = join(dir, 'templates.json');
    const template = {
      id: 'browser',
      name: 'Browser',
      description: '',
      platforms: ['docker'],
      image: 'b:1',
      cpu: 1,
      memory: 1,
      storage: 1,
      env: {},
    };
    await writeFile(path, JSON.stringify([{ ...template, cpu: -1 }]));
    const broken = start({ TEMPLATES_FILE: path });
    expect(await broken.ended).toBe(78);
    expect(broken.err.trim()).toBe(`hub: TEMPLATES_FILE ${path}: /0/cpu must be >= 0`);
    await writeFile(path, JSON.stringify([template]));
    const hub = start({ TEMPLATES_FILE: path });
    await hub.url();
    const gone = start({ TEMPLATES_FILE: join(dir, 'none') });
    expect(await gone.ended).toBe(78);
    expect(gone.err).toContain("can't be read as JSON");
  });
});
