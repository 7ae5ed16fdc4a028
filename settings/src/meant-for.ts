import { editDistance } from './edit-distance.ts';

/** Names of other software that look like ours by accident. */
const FOREIGN = new Set(['NODE_NAME', 'FTP_PROXY', 'ALL_PROXY']);
/** What Kubernetes sets for the Services of a namespace, e.g. STREAMSPACE_API_SERVICE_HOST of one called streamspace-api. */
const SERVICE_LINK = /_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/;
const isServiceLink = (name: string, value: string): boolean =>
  SERVICE_LINK.test(name) || (name.endsWith('_PORT') && /^(tcp|udp|sctp):\/\//.test(value));

/** The known name that `name` was probably meant to be; undefined if it is unrelated to ours. */
export function meantFor(name: string, value: string, known: readonly string[]): string | undefined {
  const upper = name.toUpperCase().replaceAll('-', '_');
  const nearest = (text: string) =>
    known
      .map((candidate) => ({ candidate, distance: editDistance(text, candidate) }))
      .reduce((best, next) => (next.distance < best.distance ? next : best));
  if (upper.startsWith('STREAMSPACE_') && !isServiceLink(upper, value))
    return nearest(upper.slice('STREAMSPACE_'.length)).candidate;
  if (FOREIGN.has(upper)) return undefined;
  const { candidate, distance } = nearest(upper);
  // one slip in a short name makes another word of it soon enough
  const shorter = Math.min(upper.length, candidate.length);
  return distance <= (shorter < 6 ? 0 : shorter < 8 ? 1 : 2) ? candidate : undefined;
}
