import type { V1Pod } from '@kubernetes/client-node';
import { StreamSpaceError } from '@streamspace/protocol';
import { type Clock, withDeadline } from 'clock-port';
import type { Duplex } from 'node:stream';
import { connectTcp } from '../../core/connect.ts';
import type { PortForwarder } from './port-forward.ts';

/** Longest wait for a screen's answer, milliseconds. */
const CONNECT_MS = 10_000;

/**
 * A connection to a pod's screen. `direct`: to the pod's address, which an agent in the cluster can reach; `port-forward`: through the API
 * server, from anywhere. Throws `screen_unreachable`.
 */
export async function connectScreen(
  target: { readonly pod: V1Pod; readonly port: number },
  way: 'direct' | 'port-forward',
  context: { readonly forwarder: PortForwarder; readonly clock: Clock },
  signal: AbortSignal,
): Promise<Duplex> {
  const { pod, port } = target;
  try {
    return await withDeadline(context.clock, CONNECT_MS, 'screen', signal, (limit) =>
      way === 'direct'
        ? connectTcp(pod.status?.podIP ?? '', port, limit)
        : context.forwarder.open(pod.metadata?.name ?? '', port, limit),
    );
  } catch (error) {
    signal.throwIfAborted();
    const through =
      way === 'direct' ? `at ${pod.status?.podIP ?? 'no address'}:${port}` : `through the API server (port ${port})`;
    const hint = way === 'direct' ? '; a NetworkPolicy must let the agent in' : '';
    throw new StreamSpaceError(
      'screen_unreachable',
      `The screen of pod ${pod.metadata?.name ?? ''} does not answer ${through}: ${error instanceof Error ? error.message : String(error)}${hint}`,
      {},
      { cause: error },
    );
  }
}
