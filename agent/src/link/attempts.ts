import type { ClientRequest } from 'node:http';
import { type HedgeOptions, times } from 'clock-port';
import { asStreamSpaceError } from '@streamspace/protocol';
import { Refused } from './refused.ts';

/** Whether the error is an answer of the other end, whatever it says. Only the network reports that nobody answered. */
const answered = (error: unknown): boolean =>
  error instanceof Refused || asStreamSpaceError(error, 'agent_offline').code !== 'agent_offline';

/** Network errors that concern one machine, and not the others behind the same address. */
const UNREACHABLE = ['EHOSTUNREACH', 'EHOSTDOWN', 'ETIMEDOUT'];
const ofOneReplica = (error: unknown): boolean =>
  UNREACHABLE.includes(((error as Error).cause as NodeJS.ErrnoException | undefined)?.code ?? '');

/**
 * For attempts whose TCP connection is accepted, by a slow or frozen replica; and for attempts through a proxy, which accepts every connection.
 * The length of the list bounds the requests to a busy hub.
 */
const CONNECTION: HedgeOptions = {
  companyMs: [...times(10, 500), ...times(9, 1_000)],
  answered,
  ofOneReplica,
};

/**
 * A cluster keeps sending connections to the hub replicas of a dead node until it declares the node not ready, after 40 s or more. With two of
 * three replicas dead, 13 attempts in 2.1 s leave one in 200 without an answer, all 29 one in 100,000.
 */
const DIRECT: HedgeOptions = {
  ...CONNECTION,
  silentMs: [300, ...times(12, 150), ...times(6, 500), ...times(9, 1_000)],
};

/** The pauses between attempts to connect. A proxy accepts every connection, so an accepted one shows nothing about the hub behind it. */
export const attemptsOf = (proxy: unknown): HedgeOptions => (proxy === undefined ? DIRECT : CONNECTION);

/** Milliseconds between probes of the hub: short, because others wait for the result. */
export const PROBE_MS = 120;
const PROBE: HedgeOptions = { companyMs: times(4, PROBE_MS) };
/** Without a proxy, an attempt that is not accepted has reached no replica, so more attempts burden none. */
const DIRECT_PROBE: HedgeOptions = { ...PROBE, silentMs: times(9, 70) };

/** The same for probes of the hub. */
export const probesOf = (proxy: unknown): HedgeOptions => (proxy === undefined ? DIRECT_PROBE : PROBE);

/** Calls `taken` when the request's TCP connection is open. */
export function whenTaken(request: ClientRequest, taken: () => void): void {
  request.once('socket', (socket) => (socket.connecting ? socket.once('connect', taken) : taken()));
}
