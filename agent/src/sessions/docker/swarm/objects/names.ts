import { bounded, digest, NAME_LIMIT } from '../../../core/names.ts';

const PREFIX = 'ss-';
/** Of a hash that keeps long names apart: 80 bits. */
const DIGITS = 20;

/** Labels of a home's record: id of the node that has its volume; or the volume's driver with its options, JSON, where any node can mount it. */
export const NODE_LABEL = 'streamspace.io/node';
export const DRIVER_LABEL = 'streamspace.io/driver';
/** Value of the label `app` of a service that is about to be removed: nobody writes it any more. */
export const FORGOTTEN = 'session-forgotten';

/** Name of a session's service: the swarm gives each name once. A long id is shortened, as names of services have at most 63 characters. */
export const serviceName = (sessionId: string): string =>
  PREFIX.length + sessionId.length <= NAME_LIMIT
    ? `${PREFIX}${sessionId}`
    : bounded(PREFIX, sessionId, digest(DIGITS, sessionId));
