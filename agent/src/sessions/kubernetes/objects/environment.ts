import type { V1EnvVar } from '@kubernetes/client-node';
import { type SessionSpec, StreamSpaceError } from '@streamspace/protocol';
import type { SessionObjectsConfig } from '../options.ts';

const DEFAULT_HOME = '/home/user';

/** What a pod is made from: the template's part of a spec and, unless the pod waits for its session yet, whose it is. */
export type PodPlan = Pick<SessionSpec, 'template' | 'image' | 'cpu' | 'memory' | 'storage' | 'env'> &
  Partial<Pick<SessionSpec, 'id' | 'user'>> & { readonly home?: string };

/** Port of the session's VNC server: a template whose image has another one says so with `VNC_PORT` in its env. */
export function screenPort(spec: Pick<SessionSpec, 'env'>, { vncPort }: Pick<SessionObjectsConfig, 'vncPort'>): number {
  const given = spec.env['VNC_PORT'];
  if (given === undefined) return vncPort;
  const port = Number(given);
  if (/^\d{1,5}$/.test(given) && port >= 1 && port <= 65_535) return port;
  throw new StreamSpaceError(
    'invalid_request',
    `env VNC_PORT: takes a port from 1 to 65535; given was ${JSON.stringify(given)}`,
  );
}

/** Where the home is mounted: a template whose image has another one says so with `HOME` in its env. */
export function homePath(spec: Pick<SessionSpec, 'env'>): string {
  const given = spec.env['HOME'];
  if (given === undefined) return DEFAULT_HOME;
  if (/^\/[^:\0]+$/.test(given)) return given;
  throw new StreamSpaceError('invalid_request', `env HOME: takes a full path; given was ${JSON.stringify(given)}`);
}

/** Whether the user's files outlive the session: a template says with `STREAMSPACE_HOME=none` in its env that they don't. */
export function hasHome(spec: Pick<SessionSpec, 'env'>): boolean {
  const given = spec.env['STREAMSPACE_HOME'];
  if (given === undefined || given === 'kept') return true;
  if (given === 'none') return false;
  throw new StreamSpaceError(
    'invalid_request',
    `env STREAMSPACE_HOME: takes kept (the default) or none; given was ${JSON.stringify(given)}`,
  );
}

/** Throws `invalid_request` for what the agent itself reads of a template's env, and can't. */
export function checkEnvironment(spec: Pick<SessionSpec, 'env'>, config: Pick<SessionObjectsConfig, 'vncPort'>): void {
  screenPort(spec, config);
  homePath(spec);
  hasHome(spec);
}

/** What the session's program sees: the template's variables as they were written, and who it is, as far as that is known when it starts. */
export function environment(spec: PodPlan, config: SessionObjectsConfig): V1EnvVar[] {
  const own = {
    HOME: homePath(spec),
    ...(spec.id !== undefined && { SESSION_ID: spec.id }),
    SESSION_TEMPLATE: spec.template,
    ...(spec.user !== undefined && { SESSION_USER: spec.user }),
    VNC_PORT: String(screenPort(spec, config)),
  };
  return Object.entries({ ...spec.env, ...own })
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => ({ name, value: literal(value) }));
}

/** Kubernetes expands `$(NAME)`, and reads `$$` as `$`: a template's text is meant as it is. */
const literal = (value: string): string => value.replaceAll('$', '$$$$');
