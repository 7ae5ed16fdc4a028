import { isIP } from 'node:net';
import { NETWORK } from './addresses.ts';
import type { Kind } from './kind.ts';
import { list } from './lists.ts';

/** Addresses that begin alike. */
export interface Network {
  readonly address: string;
  /** Bits. */
  readonly prefix: number;
  readonly family: 'ipv4' | 'ipv6';
}

/** A block of addresses; an address alone is a network of one. */
const network: Kind<Network> = {
  takes: 'a network (CIDR) like 10.0.0.0/8 or fd00::/8, or an address',
  parse(text) {
    const [, address = '', bits] = /^([0-9a-fA-F:.]{2,45})(?:\/(\d{1,3}))?$/.exec(text) ?? [];
    const version = isIP(address);
    const size = version === 6 ? 128 : 32;
    const prefix = Number(bits ?? size);
    if (version === 0 || prefix > size) return undefined;
    return { address, prefix, family: version === 6 ? 'ipv6' : 'ipv4' };
  },
  print: ({ address, prefix }) => `${address}/${prefix}`,
  written: { type: 'string', pattern: `^(${NETWORK})$` },
  examples: ['10.0.0.0/8', '0.0.0.0/0', 'fd00::/8', '::1/128', '192.0.2.7'],
};

/** A comma list of networks. */
export const networks: Kind<readonly Network[], readonly string[]> = {
  ...list('networks', network),
  takes: 'a comma list of networks (CIDRs) like 10.0.0.0/8 or fd00::/8, or of addresses',
};
