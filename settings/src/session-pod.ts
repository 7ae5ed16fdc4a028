import { PORT } from './kinds/addresses.ts';
import { oneOf, text } from './kinds/texts.ts';

/** What the agent makes of a session's pod itself, so that a template of pods may not: names of its container and of the home's volume, keys of its labels and annotations. */
export const SESSION_POD = {
  container: 'session',
  home: 'home',
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

/** Variables of a template's env that the agent reads itself, and what each takes. */
export const TEMPLATE_ENV = {
  /** Where the home is mounted: a template whose image has another one says so. */
  HOME: text('a full path', '^/[^:\\x00]+$', '/home/user'),
  /** Whether the user's files outlive the session. */
  STREAMSPACE_HOME: { ...oneOf('kept', 'none'), takes: 'kept (the default) or none' },
  /** Port of the session's VNC server: a template whose image has another one says so. */
  VNC_PORT: text('a port from 1 to 65535', `^${PORT}$`, '5900'),
} as const;

/** What a template's env has to say so that pods of it can be kept ready. */
export const KEPT_READY = {
  variable: 'STREAMSPACE_HOME',
  value: 'none',
  remedy: 'needs STREAMSPACE_HOME=none in its env: a pod can’t be given a user’s home once it runs',
} as const;
