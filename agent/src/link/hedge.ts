import type { ClientRequest } from 'node:http';
import type { HedgeOptions } from 'clock-port';
import { asStreamSpaceError } from '@streamspace/protocol';

const times = (count: number, ms: number) => Array<number>(count).fill(ms);

/** Whether somebody was there: an answer counts, whatever it says. Nobody there is told by the network only. */
const answered = (error: unknown): boolean => {
  const { code, details } = asStreamSpaceError(error, 'agent_offline');
  return code !== 'agent_offline' || details['status'] !== undefined;
};

/** What the network says of one machine, and not of the others behind the same address. */
const UNREACHABLE = ['EHOSTUNREACH', 'EHOSTDOWN', 'ETIMEDOUT'];
const ofOneReplica = (error: unknown): boolean =>
  UNREACHABLE.includes(((error as Error).cause as NodeJS.ErrnoException | undefined)?.code ?? '');

/** For tries that can't tell whether something took them: through a proxy that always does. */
export const CONNECTION: HedgeOptions = {
  companyMs: [...times(5, 500), ...times(4, 2_000)],
  answered,
  ofOneReplica,
};

/**
 * A cluster goes on sending connections to the hub's replicas of a dead node until it calls the node not ready, 40 s or more later. With
 * two of three replicas dead, eleven tries in 2.3 s leave one in ninety without an answer, all 27 one in 50,000.
 */
export const DIRECT: HedgeOptions = {
  ...CONNECTION,
  silentMs: [300, ...times(10, 200), ...times(6, 500), ...times(9, 1_000)],
};

/** Calls `taken` when a TCP connection carries the request. */
export function whenTaken(request: ClientRequest, taken: () => void): void {
  request.once('socket', (socket) => (socket.connecting ? socket.once('connect', taken) : taken()));
}
