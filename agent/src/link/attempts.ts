import type { ClientRequest } from 'node:http';
import { type HedgeOptions, times } from 'clock-port';
import { asStreamSpaceError } from '@streamspace/protocol';
import { Refused } from './refused.ts';

/** Whether somebody was there: an answer counts, whatever it says. Nobody there is told by the network only. */
const answered = (error: unknown): boolean =>
  error instanceof Refused || asStreamSpaceError(error, 'agent_offline').code !== 'agent_offline';

/** What the network says of one machine, and not of the others behind the same address. */
const UNREACHABLE = ['EHOSTUNREACH', 'EHOSTDOWN', 'ETIMEDOUT'];
const ofOneReplica = (error: unknown): boolean =>
  UNREACHABLE.includes(((error as Error).cause as NodeJS.ErrnoException | undefined)?.code ?? '');

/**
 * For tries that something took: a frozen replica, or a slow one. And for those that can't tell, through a proxy that takes all. Their number
 * bounds how often a hub is asked that has much to do.
 */
const CONNECTION: HedgeOptions = {
  companyMs: [...times(10, 500), ...times(9, 1_000)],
  answered,
  ofOneReplica,
};

/**
 * A cluster goes on sending connections to the hub's replicas of a dead node until it calls the node not ready, 40 s or more later. With
 * two of three replicas dead, 13 tries in 2.1 s leave one in 200 without an answer, all 29 one in 100,000.
 */
const DIRECT: HedgeOptions = {
  ...CONNECTION,
  silentMs: [300, ...times(12, 150), ...times(6, 500), ...times(9, 1_000)],
};

/** When tries to connect get company: a proxy takes them all, so that it does not tell whether anything behind it did. */
export const attemptsOf = (proxy: unknown): HedgeOptions => (proxy === undefined ? DIRECT : CONNECTION);

/** Whether the hub is there has to be known soon: milliseconds between attempts. */
export const PROBE_MS = 120;
const PROBE: HedgeOptions = { companyMs: times(4, PROBE_MS) };
/** Without a proxy it is known that nothing takes an attempt, and more of them burden nobody. */
const DIRECT_PROBE: HedgeOptions = { ...PROBE, silentMs: times(9, 70) };

/** The same for looks whether the hub is there. */
export const probesOf = (proxy: unknown): HedgeOptions => (proxy === undefined ? DIRECT_PROBE : PROBE);

/** Calls `taken` when a TCP connection carries the request. */
export function whenTaken(request: ClientRequest, taken: () => void): void {
  request.once('socket', (socket) => (socket.connecting ? socket.once('connect', taken) : taken()));
}
