import { expect, it } from 'vitest';
import { Rest } from '../support/rest.ts';

const HSTS = 'strict-transport-security';

it('S12 what the API answers is kept by no cache, refusals included', async () => {
  const hub = await Rest.start();
  for (const [who, url] of [
    ['alice', 'sessions'],
    ['alice', 'agents/none'],
    [undefined, 'sessions'],
    [undefined, 'health'],
    ['alice', 'nothing'],
  ] as const)
    expect((await hub.as(who, 'GET', url)).headers['cache-control'], url).toBe('no-store');
  await hub.stop();
});

it.each<[string, Record<string, string>, Record<string, string>, boolean]>([
  ['PUBLIC_URL is https', { PUBLIC_URL: 'https://hub.example.com' }, {}, true],
  ['a trusted proxy says https', { TRUSTED_PROXIES: '127.0.0.1' }, { 'x-forwarded-proto': 'https' }, true],
  ['a trusted proxy says http', { TRUSTED_PROXIES: '127.0.0.1' }, { 'x-forwarded-proto': 'http' }, false],
  ['anybody says https', {}, { 'x-forwarded-proto': 'https' }, false],
  ['nobody says anything', {}, {}, false],
])('S12 behind TLS browsers are told to come by TLS only: %s', async (_what, env, headers, told) => {
  const hub = await Rest.start(env);
  for (const url of ['/health', 'agents'])
    expect((await hub.as(undefined, 'GET', url, undefined, headers)).headers[HSTS]).toBe(
      told ? 'max-age=31536000' : undefined,
    );
  await hub.stop();
});
