import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, isIPv6 } from 'node:net';
import type { Network } from '@streamspace/settings';

/** Addresses of a chain of proxies that are looked at. */
const MAX_HOPS = 16;

/** Where requests come from, as far as it can be believed. */
export interface Clients {
  /**
   * What failures are counted by: the address that the nearest trusted proxy reports, or else that of the connection; of IPv6 its /64, as
   * whoever has one address there has all of them.
   */
  address(request: Pick<IncomingMessage, 'headers' | 'socket'>): string;
  /** Whether the browser spoke TLS, as a trusted proxy reports (X-Forwarded-Proto). */
  secure(request: Pick<IncomingMessage, 'headers' | 'socket'>): boolean;
}

/** `proxies`: TRUSTED_PROXIES. What anybody else writes into X-Forwarded-* counts for nothing. */
export function clients(proxies: readonly Network[]): Clients {
  const trusted = new BlockList();
  for (const { address, prefix, family } of proxies) trusted.addSubnet(address, prefix, family);
  const trusts = (address: string) => trusted.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
  const nearest = ({ socket }: Pick<IncomingMessage, 'socket'>) => plain(socket.remoteAddress ?? '') ?? '';

  return {
    address(request) {
      let address = nearest(request);
      const chain = listed(request.headers['x-forwarded-for']).slice(-MAX_HOPS);
      // each proxy adds the address that it was called from: the last that is no proxy of ours is the client's
      while (address !== '' && trusts(address)) {
        const before = plain(chain.pop() ?? '');
        if (before === undefined) break;
        address = before;
      }
      return isIPv6(address) ? `${network64(address)}::/64` : address;
    },
    secure: (request) => trusts(nearest(request)) && listed(request.headers['x-forwarded-proto']).at(-1) === 'https',
  };
}

const listed = (header: string | string[] | undefined): string[] =>
  [header ?? []]
    .flat()
    .join(',')
    .split(',')
    .map((each) => each.trim());

/** An address without port, brackets and zone, IPv4 as such; undefined when it is none. */
function plain(text: string): string | undefined {
  const [, inner] = /^\[([^\]]*)\](?::\d+)?$/.exec(text) ?? /^([\d.]+):\d+$/.exec(text) ?? [];
  const address = (inner ?? text).replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/i, '');
  return isIP(address) === 0 ? undefined : address;
}

/** The first four groups of an IPv6 address. */
function network64(address: string): string {
  const [head = '', tail] = address.toLowerCase().split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  // a dotted quad at the end is two groups
  const length = before.length + after.length + (address.includes('.') ? 1 : 0);
  const groups = [...before, ...Array<string>(Math.max(0, 8 - length)).fill('0'), ...after];
  return groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':');
}
