import { type ReadonlySignal, signal } from '@preact/signals';

export type Route =
  | { page: 'sessions' }
  | { page: 'viewer'; session: string }
  | { page: 'agents' }
  | { page: 'people' }
  | { page: 'audit' }
  | { page: 'agent'; agent: string }
  /** A sign-in at a provider failed. */
  | { page: 'sign-in-problem'; problem: string; provider: string }
  | { page: 'unknown'; path: string };

/** The page that a fragment (`#/agents/desk`) names. */
export function routeOf(fragment: string): Route {
  const path = fragment.replace(/^#/, '') || '/';
  const [kind, id, ...more] = path.split('/').filter(Boolean).map(decode);
  if (kind === undefined) return { page: 'sessions' };
  if (more.length === 0 && kind === 'sessions')
    return id === undefined ? { page: 'sessions' } : { page: 'viewer', session: id };
  if (more.length === 0 && kind === 'agents')
    return id === undefined ? { page: 'agents' } : { page: 'agent', agent: id };
  if (kind === 'people' && id === undefined) return { page: 'people' };
  if (kind === 'audit' && id === undefined) return { page: 'audit' };
  if (kind === 'sign-in' && id !== undefined && more.length <= 1)
    return { page: 'sign-in-problem', problem: id, provider: more[0] ?? '' };
  return { page: 'unknown', path };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Links of the console. */
export const href = {
  sessions: '#/',
  agents: '#/agents',
  people: '#/people',
  audit: '#/audit',
  agent: (id: string) => `#/agents/${encodeURIComponent(id)}`,
  viewer: (id: string) => `#/sessions/${encodeURIComponent(id)}`,
};

/** The current route, following the address bar. */
export function createRoute(): ReadonlySignal<Route> {
  const route = signal(routeOf(location.hash));
  addEventListener('hashchange', () => {
    route.value = routeOf(location.hash);
  });
  return route;
}
