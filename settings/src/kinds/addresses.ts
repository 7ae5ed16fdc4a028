/** Patterns of addresses, for JavaScript and RE2 alike; without ^ and $. */

const BYTE = '(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])';
const IPV4 = `(${BYTE}\\.){3}${BYTE}`;

const GROUP = '[0-9a-fA-F]{1,4}';
/** Groups before and after the `::`; there are at most seven. */
const SHORTENED = [1, 2, 3, 4, 5, 6].map((after) => `(${GROUP}:){1,${7 - after}}(:${GROUP}){1,${after}}`);
export const IPV6 = `((${GROUP}:){7}${GROUP}|(${GROUP}:){1,7}:|${SHORTENED.join('|')}|:((:${GROUP}){1,7}|:))`;

/** 1 to 65535. */
export const PORT = '([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])';

/** A block of addresses such as 10.0.0.0/8 or fd00::/8. */
const [BITS4, BITS6] = ['/(3[0-2]|[12]?[0-9])', '/(12[0-8]|1[01][0-9]|[1-9]?[0-9])'];
export const CIDR = `${IPV4}${BITS4}|${IPV6}${BITS6}`;
/** A block, or an address alone. */
export const NETWORK = `${IPV4}(${BITS4})?|${IPV6}(${BITS6})?`;

const LABEL = '[A-Za-z0-9]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?';
/** Its last part starts with a letter: URLs take one that starts with a digit for an address. */
const NAME = `(${LABEL}[.])*[A-Za-z]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?`;

/** A name or an address, IPv6 in brackets, and a port or none. */
export const HOST_PORT = `(${NAME}|${IPV4}|\\[${IPV6}\\])(:${PORT})?`;
