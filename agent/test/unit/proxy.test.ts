import { describe, expect, it } from 'vitest';
import { hubUrls, isLoopback, retryAfterMs } from '../../src/link/hub-url.ts';
import { proxyFor } from '../../src/link/proxy.ts';

const proxies = { httpsProxy: 'http://secure:1', httpProxy: 'http://plain:2', noProxy: '' };
const through = (url: string, noProxy = '') => proxyFor(new URL(url), { ...proxies, noProxy })?.hostname;

describe('the way to the hub', () => {
  it.each([
    ['wss://hub.example', '', 'secure'],
    ['https://hub.example', '', 'secure'],
    ['ws://hub.example', '', 'plain'],
    ['ws://localhost:8080', '', undefined],
    ['ws://127.0.0.1:8080', '', undefined],
    ['wss://[::1]', '', undefined],
    ['wss://hub.example', '*', undefined],
    ['wss://hub.example', 'hub.example', undefined],
    ['wss://hub.example', 'other, HUB.example', undefined],
    ['wss://a.hub.example', 'hub.example', undefined],
    ['wss://a.hub.example', '.hub.example', undefined],
    ['wss://a.hub.example', '*.hub.example', undefined],
    ['wss://nothub.example', 'hub.example', 'secure'],
    ['wss://hub.example', 'hub.example:443', undefined],
    ['wss://hub.example:8443', 'hub.example:443', 'secure'],
    ['ws://10.1.2.3', '10.0.0.0/8', undefined],
    ['ws://11.1.2.3', '10.0.0.0/8', 'plain'],
    ['ws://10.1.2.3', '2.3', 'plain'],
    ['ws://[fd00::5]', 'fd00::/8', undefined],
    ['ws://[fd00::5]', '[fd00::5]', undefined],
    ['ws://hub', 'a/b, 10.0.0.0/99', 'plain'],
  ])('%s with NO_PROXY=%j goes through %s', (url, noProxy, proxy) => {
    expect(through(url, noProxy)).toBe(proxy);
  });

  it.each([
    ['ws://hub', 'ws://hub/api/v1/agent/connect', 'http://hub/api/v1/agents/enrol'],
    ['wss://hub/', 'wss://hub/api/v1/agent/connect', 'https://hub/api/v1/agents/enrol'],
    ['wss://hub/desk', 'wss://hub/desk/api/v1/agent/connect', 'https://hub/desk/api/v1/agents/enrol'],
    ['ws://hub:1/api/v1/agent/connect', 'ws://hub:1/api/v1/agent/connect', 'http://hub:1/api/v1/agents/enrol'],
  ])('%s leads to %s and %s', (url, connect, enrol) => {
    const urls = hubUrls(url);
    expect([urls.connect.href, urls.enrol.href]).toEqual([connect, enrol]);
    expect(urls.health.href).toBe(enrol.replace('agents/enrol', 'health'));
  });

  it('knows this machine', () => {
    const names = [
      'localhost',
      '127.0.0.1',
      '127.1.2.3',
      '[::1]',
      'a.localhost',
      'hub',
      '128.0.0.1',
      '127.0.0.1.nip.io',
    ];
    expect(names.filter((name) => isLoopback(new URL(`ws://${name}`)))).toEqual(names.slice(0, 5));
  });

  it('reads Retry-After as seconds or a date, within an hour', () => {
    const now = 1_000_000_000_000;
    const read = (header: string | undefined) =>
      retryAfterMs(header, now, (text) => (text === 'later' ? now + 5_000 : NaN));
    expect(['7', 'later', 'never', undefined, '99999999', '-3'].map(read)).toEqual([7_000, 5_000, 0, 0, 3_600_000, 0]);
  });
});
