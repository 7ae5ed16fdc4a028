import { SESSION_POD } from '@streamspace/settings';

/** Label of a record's JSON, and of the reason for which the start of that number failed. */
export const RECORD_LABEL = 'streamspace.io/record';
export const FAILURE_LABEL = 'streamspace.io/failure';
/** Number of the start that a container is. */
export const START_LABEL = 'streamspace.io/start';
/** Whose a home is, as it is written: a label's value may be any text here. */
export const USER_LABEL = SESSION_POD.annotations.user;
export const TEMPLATE_LABEL = SESSION_POD.annotations.template;

/** What the `app` label says of our containers and volumes. */
export const APP = {
  session: SESSION_POD.app,
  record: 'session-record',
  home: 'session-home',
  network: 'session-network',
} as const;

/** A session's id has at most 63 characters; names of containers may have more. */
const PREFIX = 'ss-';

/** Name of a record's container: the engine gives each name once, which is the compare-and-set. */
export const recordName = (sessionId: string, version: number): string => `${PREFIX}${sessionId}.r${version}`;

/** Name of the container that is a session's start of that number. */
export const containerName = (sessionId: string, start: number): string => `${PREFIX}${sessionId}.s${start}`;

/** Number of the start that a session's container is. */
export const startOf = ({ Labels }: { readonly Labels: Readonly<Record<string, string>> }): number =>
  Number(Labels[START_LABEL] ?? 0);
