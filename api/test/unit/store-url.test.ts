import { describe, expect, it } from 'vitest';
import { readHubConfig } from '../../src/config.ts';
import { ConfigError, readRedisAddress, withoutPassword } from '@streamspace/settings';

const host = (name: string, port: number) => ({ host: name, port });

describe('the address of a Redis', () => {
  it.each([
    ['redis://redis', { kind: 'single', tls: false, hosts: [host('redis', 6379)], db: 0 }],
    ['redis://10.0.0.1:6380/2', { kind: 'single', tls: false, hosts: [host('10.0.0.1', 6380)], db: 2 }],
    ['rediss://[::1]:7000', { kind: 'single', tls: true, hosts: [host('::1', 7000)], db: 0 }],
    ['redis://:pass@redis/', { kind: 'single', tls: false, hosts: [host('redis', 6379)], db: 0, password: 'pass' }],
    [
      'redis://hub:p%40ss:w@rd%@redis:1',
      { kind: 'single', tls: false, hosts: [host('redis', 1)], db: 0, username: 'hub', password: 'p%40ss:w@rd%' },
    ],
    [
      'redis://hub:p%40ss%2F@redis:1',
      { kind: 'single', tls: false, hosts: [host('redis', 1)], db: 0, username: 'hub', password: 'p@ss/' },
    ],
    [
      'redis+sentinel://:pass@s1,s2:1,s3/main/3',
      {
        kind: 'sentinel',
        tls: false,
        hosts: [host('s1', 26379), host('s2', 1), host('s3', 26379)],
        db: 3,
        master: 'main',
        password: 'pass',
      },
    ],
    ['rediss+cluster://n1,n2:7001', { kind: 'cluster', tls: true, hosts: [host('n1', 6379), host('n2', 7001)], db: 0 }],
  ])('reads %s', (url, address) => {
    expect(readRedisAddress(url)).toEqual(address);
  });

  it.each([
    'redis:',
    'redis://',
    'http://redis',
    'redis://a,b',
    'redis://redis:0',
    'redis://redis:70000',
    'redis://redis/x',
    'redis+sentinel://s1',
    'redis+sentinel://s1/',
    'redis+cluster://n1/1',
    'redis+cluster://n1,,n2',
    'redis+other://n1',
    'redis://a b',
  ])('does not read %s', (url) => {
    expect(readRedisAddress(url)).toBeUndefined();
  });

  it('is shown without its password', () => {
    expect(withoutPassword('redis://hub:p@ss@redis:1/0')).toBe('redis://…@redis:1/0');
    const env = { JWT_SECRET: 'a secret of the tests, long enough for HS256', STORE_URL: 'redis://:secret@redis:x' };
    expect(() => readHubConfig(env)).toThrow(ConfigError);
    expect(() => readHubConfig(env)).toThrow(/STORE_URL: takes .*; given was "redis:\/\/…@redis:x"/);
    expect(readHubConfig({ ...env, STORE_URL: 'redis://:secret@redis', STORE_WAIT_REPLICAS: '1' })).toMatchObject({
      storeUrl: 'redis://:secret@redis',
      storeWaitReplicas: 1,
      storeWaitMs: 1_000,
    });
  });
});
