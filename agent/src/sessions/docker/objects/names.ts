import { SESSION_POD } from '@streamspace/settings';
import type { ContainerSummary } from './engine-objects.ts';

/** Label of a record's JSON, and of the reason for which the start of that number failed. */
export const RECORD_LABEL = 'streamspace.io/record';
export const FAILURE_LABEL = 'streamspace.io/failure';
/** Number of the start that a container is. */
export const START_LABEL = 'streamspace.io/start';
/** Whose a home is, as it is written: a label's value may be any text here. */
export const USER_LABEL = SESSION_POD.annotations.user;
export const TEMPLATE_LABEL = SESSION_POD.annotations.template;
/** Of a container that was started before its session existed: the template, and what it is made of. They stay when a session has claimed it. */
export const WARM_TEMPLATE_LABEL = 'warm';
export const SHAPE_LABEL = SESSION_POD.annotations.shape;
/** Id of the warm container that a claim is of. */
export const CLAIMED_LABEL = 'streamspace.io/claimed';

/** What the `app` label says of our containers and volumes. */
export const APP = {
  session: SESSION_POD.app,
  record: 'session-record',
  claim: 'session-claim',
  home: 'session-home',
  network: 'session-network',
} as const;

/** A session's id has at most 63 characters; names of containers may have more. */
const PREFIX = 'ss-';

/** Name of a record's container: the engine gives each name once, which is the compare-and-set. */
export const recordName = (sessionId: string, version: number): string => `${PREFIX}${sessionId}.r${version}`;

/** Name of the container that is a session's start of that number. */
export const containerName = (sessionId: string, start: number): string => `${PREFIX}${sessionId}.s${start}`;

/** Name of the claim of a warm container, by its id. */
export const claimName = (containerId: string): string => `claim-${containerId}`;

/** For the engine's filter by name, a regular expression: the session's containers, records left out. */
export const startNames = (sessionId: string): string => `^/?${PREFIX}${sessionId}\\.s[0-9]+$`;

const START = /^\/?ss-([a-z0-9-]+)\.s([1-9][0-9]{0,14})$/;

/** The session and the number of the start that a container's name says: what a claimed container has no labels for. */
export function startInName(name: string): { readonly session: string; readonly start: number } | undefined {
  const [, session, start] = START.exec(name) ?? [];
  return session === undefined ? undefined : { session, start: Number(start) };
}

type Named = Pick<ContainerSummary, 'Labels'> & Partial<Pick<ContainerSummary, 'Names'>>;

const named = ({ Labels, Names }: Named) =>
  Labels[WARM_TEMPLATE_LABEL] === undefined ? undefined : Names?.map(startInName).find((found) => found !== undefined);

/** The session that a container is a start of; undefined: none, it waits for one. */
export const sessionOf = (container: Named): string | undefined =>
  container.Labels['session'] ?? named(container)?.session;

/** Number of the start that a session's container is. */
export const startOf = (container: Named): number =>
  Number(container.Labels[START_LABEL] ?? named(container)?.start ?? 0);

/** Whether a container waits for a session. */
export const isWaiting = (container: Named): boolean =>
  container.Labels[WARM_TEMPLATE_LABEL] !== undefined && sessionOf(container) === undefined;
