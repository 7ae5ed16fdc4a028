import type { V1EnvVar } from '@kubernetes/client-node';
import { type SessionSpec, StreamSpaceError } from '@streamspace/protocol';
import type { SessionObjectsConfig } from '../options.ts';

const DEFAULT_HOME = '/home/user';

/** Port of the session's VNC server: a template whose image has another one says so with `VNC_PORT` in its env. */
export function screenPort(spec: SessionSpec, { vncPort }: SessionObjectsConfig): number {
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
export function homePath(spec: SessionSpec): string {
  const given = spec.env['HOME'];
  if (given === undefined) return DEFAULT_HOME;
  if (/^\/[^:\0]+$/.test(given)) return given;
  throw new StreamSpaceError('invalid_request', `env HOME: takes a full path; given was ${JSON.stringify(given)}`);
}

/** What the session's program sees: the template's variables as they were written, and who it is. */
export function environment(spec: SessionSpec, config: SessionObjectsConfig): V1EnvVar[] {
  const own = {
    HOME: homePath(spec),
    SESSION_ID: spec.id,
    SESSION_TEMPLATE: spec.template,
    SESSION_USER: spec.user,
    VNC_PORT: String(screenPort(spec, config)),
  };
  return Object.entries({ ...spec.env, ...own })
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => ({ name, value: literal(value) }));
}

/** Kubernetes expands `$(NAME)`, and reads `$$` as `$`: a template's text is meant as it is. */
const literal = (value: string): string => value.replaceAll('$', '$$$$');
