import type { IncomingMessage } from 'node:http';
import { expect, it } from 'vitest';
import { networks } from '@streamspace/settings';
import { clients } from '../../src/http/client-address.ts';

const from = clients(networks.parse('10.0.0.0/8, fd00::/8, 192.0.2.7')!);
const request = (remoteAddress: string | undefined, headers: IncomingMessage['headers'] = {}) =>
  ({ headers, socket: { remoteAddress } }) as Pick<IncomingMessage, 'headers' | 'socket'>;

it.each<[string | undefined, string | undefined, string]>([
  ['203.0.113.9', undefined, '203.0.113.9'],
  ['203.0.113.9', '198.51.100.1', '203.0.113.9'],
  ['10.1.2.3', undefined, '10.1.2.3'],
  ['10.1.2.3', '198.51.100.1', '198.51.100.1'],
  ['::ffff:10.1.2.3', '198.51.100.1', '198.51.100.1'],
  ['192.0.2.7', '198.51.100.1:4711', '198.51.100.1'],
  ['10.1.2.3', '198.51.100.66, 198.51.100.1, 10.9.9.9', '198.51.100.1'],
  ['10.1.2.3', '198.51.100.66, nonsense', '10.1.2.3'],
  ['10.1.2.3', '10.0.0.1', '10.0.0.1'],
  ['fd00::1', '[2001:db8::1]:443', '2001:db8:0:0::/64'],
  ['fd00::1', '2001:DB8:0:00A::', '2001:db8:0:a::/64'],
  ['2001:db8:1:2:3:4:5:6', undefined, '2001:db8:1:2::/64'],
  ['fe80::1%eth0', undefined, 'fe80:0:0:0::/64'],
  ['::1', undefined, '0:0:0:0::/64'],
  [undefined, '198.51.100.1', ''],
])('S7 a connection from %s with X-Forwarded-For %s is of %s', (remote, chain, address) => {
  expect(from.address(request(remote, chain === undefined ? {} : { 'x-forwarded-for': chain }))).toBe(address);
});

it('S7 a chain of trusted proxies without end is not followed for ever', () => {
  const chain = Array.from({ length: 1_000 }, () => '10.0.0.1').join(',');
  expect(from.address(request('10.1.2.3', { 'x-forwarded-for': `198.51.100.1,${chain}` }))).toBe('10.0.0.1');
});

it('S12 only a trusted proxy says that the browser speaks TLS', () => {
  const headers = { 'x-forwarded-proto': 'https' };
  expect(from.secure(request('10.1.2.3', headers))).toBe(true);
  expect(from.secure(request('10.1.2.3', { 'x-forwarded-proto': 'https, http' }))).toBe(false);
  expect(from.secure(request('10.1.2.3'))).toBe(false);
  expect(from.secure(request('203.0.113.9', headers))).toBe(false);
});
