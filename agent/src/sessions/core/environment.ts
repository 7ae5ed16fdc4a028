import { type SessionSpec, StreamSpaceError } from '@streamspace/protocol';
import { TEMPLATE_ENV } from '@streamspace/settings';

const DEFAULT_HOME = '/home/user';

/** Defaults for templates without settings for the screen. */
export interface ScreenDefaults {
  readonly vncPort: number;
}

/** A variable of a template's env that the agent itself reads. Throws `invalid_request` for a value that the variable does not accept. */
function given({ env }: Pick<SessionSpec, 'env'>, name: keyof typeof TEMPLATE_ENV): string | undefined {
  const value = env[name];
  if (value === undefined || TEMPLATE_ENV[name].parse(value) !== undefined) return value;
  const { takes } = TEMPLATE_ENV[name];
  throw new StreamSpaceError('invalid_request', `env ${name}: takes ${takes}; given was ${JSON.stringify(value)}`);
}

/** Port of the session's VNC server. */
export function screenPort(spec: Pick<SessionSpec, 'env'>, { vncPort }: ScreenDefaults): number {
  const port = given(spec, 'VNC_PORT');
  return port === undefined ? vncPort : Number(port);
}

/** Mount path of the home. */
export const homePath = (spec: Pick<SessionSpec, 'env'>): string => given(spec, 'HOME') ?? DEFAULT_HOME;

/** Whether the user's files outlive the session. */
export const hasHome = (spec: Pick<SessionSpec, 'env'>): boolean => given(spec, 'STREAMSPACE_HOME') !== 'none';

/** Throws `invalid_request` for a value in a template's env that the agent itself reads and can't use. */
export function checkEnvironment(spec: Pick<SessionSpec, 'env'>, config: ScreenDefaults): void {
  screenPort(spec, config);
  homePath(spec);
  hasHome(spec);
}

/** Environment of the session's program: the template's variables as written, and the session's identity as far as it is known at the start. */
export function environmentOf(
  spec: Pick<SessionSpec, 'template' | 'env'> & Partial<Pick<SessionSpec, 'id' | 'user'>>,
  config: ScreenDefaults,
): [name: string, value: string][] {
  const own = {
    HOME: homePath(spec),
    ...(spec.id !== undefined && { SESSION_ID: spec.id }),
    SESSION_TEMPLATE: spec.template,
    ...(spec.user !== undefined && { SESSION_USER: spec.user }),
    VNC_PORT: String(screenPort(spec, config)),
  };
  return Object.entries({ ...spec.env, ...own }).sort(([a], [b]) => (a < b ? -1 : 1));
}
