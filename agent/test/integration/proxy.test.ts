import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AgentUnderTest, startAgent } from '../support/agent.ts';
import { ScriptedHub } from '../support/hub.ts';
import { ConnectProxy } from '../support/proxy.ts';
import { until } from '../support/until.ts';

const pem = (name: string) => readFile(new URL(`../support/tls/${name}.pem`, import.meta.url), 'utf8');
const AGENT_TOKEN = `sse_${'e'.repeat(40)}`;
let hub: ScriptedHub;
let secureHub: ScriptedHub;
let target: ScriptedHub;
let proxy: ConnectProxy;
let proxyUrl: string;
let under: AgentUnderTest;

beforeEach(async () => {
  hub = await new ScriptedHub().listen();
  secureHub = await new ScriptedHub({ key: await pem('hub-key'), cert: await pem('hub') }).listen();
  target = hub;
  proxy = new ConnectProxy(() => target.port);
  proxyUrl = await proxy.listen();
});
afterEach(async () => {
  await under.stop();
  await Promise.all([hub.close(), secureHub.close(), proxy.close()]);
});

describe('proxies', () => {
  it('HTTP_PROXY carries the enrolment and the WebSocket of a ws:// hub, by CONNECT; the proxy resolves the name', async () => {
    under = await startAgent({ url: 'ws://hub.test:8080', env: { HTTP_PROXY: proxyUrl, AGENT_TOKEN } });
    await (await hub.connection(1)).next('sessions');
    expect([proxy.asked, proxy.plain]).toEqual([['hub.test:8080', 'hub.test:8080'], 0]);
    await under.stop();
    await until(() => proxy.sockets === 0, 'the proxy’s connections to close');
  });

  it('HTTPS_PROXY carries them for wss://, with TLS from end to end and a private CA', async () => {
    target = secureHub;
    under = await startAgent({
      url: 'wss://hub.test',
      ca: await pem('ca'),
      env: { HTTPS_PROXY: proxyUrl, HTTP_PROXY: 'http://127.0.0.1:9', AGENT_TOKEN },
    });
    await (await secureHub.connection(1)).next('sessions');
    expect(proxy.asked).toEqual(['hub.test:443', 'hub.test:443']);
  });

  it('NO_PROXY goes straight', async () => {
    under = await startAgent({ url: hub.url, env: { HTTP_PROXY: proxyUrl, NO_PROXY: '127.0.0.0/8' } });
    await hub.connection(1);
    expect(proxy.asked).toEqual([]);
  });

  it('a proxy that refuses is an ordinary failure, tried again', async () => {
    proxy.refuse = 407;
    under = await startAgent({ url: 'ws://hub.test', env: { HTTP_PROXY: proxyUrl } });
    await until(() => proxy.asked.length >= 2, 'another try');
    proxy.refuse = undefined;
    await hub.connection(1);
  });
});

describe('TLS', () => {
  it('connects to a hub of a private CA', async () => {
    under = await startAgent({ url: `wss://127.0.0.1:${secureHub.port}`, ca: await pem('ca') });
    await (await secureHub.connection(1)).next('sessions');
  });

  it('does not connect to a hub that nobody vouches for', async () => {
    under = await startAgent({ url: `wss://127.0.0.1:${secureHub.port}` });
    const line = await until(() => under.logs.find(({ msg }) => msg === 'Not connected'), 'a failure');
    expect(line['err']).toContain('certificate');
    expect(secureHub.connections).toEqual([]);
  });
});
