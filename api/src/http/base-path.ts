/** Path under which browsers reach the hub, without a slash at its end: `/streamspace` of `https://example.com/streamspace`; empty: the root. */
export const basePathOf = (publicUrl: string | undefined): string =>
  publicUrl === undefined ? '' : new URL(publicUrl).pathname.replace(/\/$/, '');

/**
 * The hub's own path (with its query, where there is one) of what was asked for: without the base path. One proxy passes that on, another takes
 * it away: both are right.
 */
export function withoutBasePath(base: string, target: string): string {
  if (base === '' || !target.startsWith(base)) return target;
  const rest = target.slice(base.length);
  if (rest === '' || rest.startsWith('?')) return `/${rest}`;
  return rest.startsWith('/') ? rest : target;
}

/**
 * What the page's relative addresses are relative to: the base path; or else, as a proxy may take away a path that nobody told the hub, so many
 * steps up as the page asked for is deep. `path`: what was asked for, without the base path.
 */
export function pageBase(base: string, path: string): string {
  if (base !== '') return `${base}/`;
  return '../'.repeat(path.split('/').length - 2) || './';
}
