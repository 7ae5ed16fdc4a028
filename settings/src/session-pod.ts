import { PORT } from './kinds/addresses.ts';
import { oneOf, text } from './kinds/texts.ts';

/** Parts of a session's pod that the agent sets itself and a pod template may not: names of its container and of the home's volume, keys of its labels and annotations. */
export const SESSION_POD = {
  container: 'session',
  home: 'home',
  /** Value of the label `app`. */
  app: 'session',
  labels: ['app', 'agent', 'session', 'user', 'warm'],
  annotations: {
    spec: 'streamspace.io/spec',
    user: 'streamspace.io/user',
    template: 'streamspace.io/template',
    command: 'streamspace.io/command',
    term: 'streamspace.io/term',
    phase: 'streamspace.io/phase',
    reason: 'streamspace.io/reason',
    pod: 'streamspace.io/pod',
    shape: 'streamspace.io/shape',
    deleteHome: 'streamspace.io/delete-home',
    since: 'streamspace.io/since',
  },
} as const;

/** Variables of a template's env that the agent reads itself, with their forms. */
export const TEMPLATE_ENV = {
  /** Mount path of the home, for images with another one. */
  HOME: text('a full path', '^/[^:\\x00]+$', '/home/user'),
  /** Whether the user's files outlive the session. */
  STREAMSPACE_HOME: { ...oneOf('kept', 'none'), takes: 'kept (the default) or none' },
  /** Port of the session's VNC server: for images with another one. */
  VNC_PORT: text('a port from 1 to 65535', `^${PORT}$`, '5900'),
} as const;

/** The setting in a template's env that allows warm pods. */
export const KEPT_READY = {
  variable: 'STREAMSPACE_HOME',
  value: 'none',
  remedy: 'needs STREAMSPACE_HOME=none in its env: a pod can’t be given a user’s home once it runs',
} as const;
