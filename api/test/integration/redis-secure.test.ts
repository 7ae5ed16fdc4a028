import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { StoreSettings } from '../../src/store/open.ts';
import { claim, command, ROOM, session } from '../support/records.ts';
import { ABOUT_SERVER, redisPort, RedisProcess, SERVER } from '../support/redis-programs.ts';
import { RedisScene } from '../support/redis-stores.ts';

const OPENSSL = has('openssl');
const TLS = SERVER !== undefined && !said(SERVER, '--tls-port', 'none').includes('Bad directive');
const WHY =
  SERVER === undefined
    ? ABOUT_SERVER
    : OPENSSL
      ? TLS
        ? ''
        : ' (not run: the server knows no TLS)'
      : ' (not run: no openssl on the PATH)';

/** What the hub needs, and nothing beyond its keys: as docs/hub.md has it. */
const RIGHTS = '~ss:* resetchannels -@all +@read +@write +@scripting +@connection +@transaction +info +time +wait';
const PASSWORD = 'p@ss:w/rd%';

function said(program: string, ...args: string[]): string {
  const { stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', timeout: 10_000 });
  return `${stdout}${stderr}`;
}

function has(program: string): boolean {
  return spawnSync(program, ['version'], { stdio: 'ignore' }).error === undefined;
}

describe.skipIf(!TLS || !OPENSSL)(`redis store: TLS and ACL users${WHY}`, () => {
  const scene = new RedisScene();
  let folder: string;
  let server: RedisProcess;
  let ca: string;
  let url: string;
  const errors = vi.fn<(error: Error) => void>();
  const open = (settings: Partial<StoreSettings>) =>
    scene.store({ url, caFile: ca, onError: (error) => errors(error), ...settings });

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'streamspace-tls-'));
    const file = (name: string) => join(folder, name);
    ca = file('ca.pem');
    const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'ignore' });
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    openssl('req', '-x509', ...key, '-keyout', file('ca.key'), '-out', ca, '-subj', '/CN=ca', '-days', '1');
    openssl('req', ...key, '-keyout', file('redis.key'), '-out', file('redis.csr'), '-subj', '/CN=redis');
    writeFileSync(file('names'), 'subjectAltName=DNS:localhost');
    const signed = ['-CA', ca, '-CAkey', file('ca.key'), '-CAcreateserial', '-days', '1', '-extfile', file('names')];
    openssl('x509', '-req', '-in', file('redis.csr'), '-out', file('redis.pem'), ...signed);
    const port = await redisPort();
    server = await RedisProcess.start(
      [
        'port 0',
        'tls-port PORT',
        `tls-cert-file ${file('redis.pem')}`,
        `tls-key-file ${file('redis.key')}`,
        `tls-ca-cert-file ${ca}`,
        'tls-auth-clients no',
        'user default off',
        `user operator on >operator ~* &* +@all`,
        `user hub on >${PASSWORD} ${RIGHTS}`,
      ],
      { port, client: { username: 'operator', password: 'operator', tls: { rejectUnauthorized: false } } },
    );
    url = `rediss://hub:${encodeURIComponent(PASSWORD)}@localhost:${server.port}`;
  });
  afterEach(() => scene.end());
  afterAll(async () => {
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('does all it has to with a user that may do little else', async () => {
    const store = open({});
    const seen = vi.fn<() => void>();
    const over = new AbortController();
    store.events.subscribe(seen, over.signal);
    await new Promise<void>((resolve) => store.signals.subscribe('http://hub', seen, resolve, over.signal));
    await store.ping(AbortSignal.timeout(10_000));
    await store.agents.claim(claim());
    await store.sessions.create(session(), command(), ROOM, 'key');
    await store.sessions.create(session({ id: 's2' }), command({ id: 'c2', session: 's2' }), ROOM);
    await store.commands.markSent('c1', 'conn-r1-1', '');
    await store.commands.finish('c1', null, { state: 'completed' }, '', { state: 'running' });
    await store.sessions.update('s2', { state: 'failed' });
    expect(await store.sessions.list({ user: 'alice' })).toHaveLength(2);
    expect(await store.sessions.list({})).toHaveLength(2);
    await store.sessions.remove('s2');
    expect(await store.agents.list()).toHaveLength(1);
    await store.credentials.putEnrolment('e', { agentId: 'a1', expiresAt: '2999-01-01T00:00:00Z', uses: 1 });
    expect(await store.credentials.takeEnrolment('e', 'a1', '2026-01-01T00:00:00Z')).toEqual({ any: false });
    await store.credentials.set('a1', 'hash');
    await store.tickets.put('t', { session: 's1', user: 'alice' }, 1_000);
    await store.tickets.take('t');
    await store.events.append({ at: '', type: 'agent.updated', agent: 'a1', session: null, user: null, data: {} });
    expect(await store.events.since(0, { agent: 'a1' })).toHaveLength(1);
    await store.signals.send('http://hub', { type: 'wake', agent: 'a1' });
    await vi.waitFor(() => expect(seen).toHaveBeenCalledTimes(2), 10_000);
    over.abort();
    expect(errors).not.toHaveBeenCalled();
  });

  it.each([
    ['a password that is wrong', () => ({ url: url.replace('%25@', '@') }), /WRONGPASS/],
    ['an authority that is unknown', () => ({ caFile: undefined }), /certificate/],
    ['a name that the certificate does not have', () => ({ url: url.replace('localhost', '127.0.0.1') }), /altnames/],
    ['no TLS', () => ({ url: url.replace('rediss', 'redis') }), /./],
  ])('says store_unavailable with %s, and the operator why', async (_what, settings, why) => {
    errors.mockClear();
    const store = open(settings());
    const refused = await store.agents.list().catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'store_unavailable' });
    expect(errors.mock.calls.map(([error]) => `${error.message}`).join('\n')).toMatch(why);
    expect(inspect([errors.mock.calls, refused], { depth: 20, showHidden: true })).not.toContain('p@ss');
  });

  it('refuses a file of authorities that is not there, by its name', () => {
    expect(() => open({ caFile: join(folder, 'none.pem') })).toThrow(/STORE_CA_FILE=.*none\.pem/);
  });
});
