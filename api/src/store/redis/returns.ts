import { whenAborted } from 'clock-port';
import { Cluster, type Redis } from 'ioredis';
import type { Client } from './client.ts';

/** Calls back whenever a server returns after an outage, or the primaries of a Cluster change; until the signal aborts. */
export function onReturn(client: Client, callback: () => void, signal: AbortSignal): void {
  if (signal.aborted) return;
  /** Servers that have been ready before: the first time is no return. A Cluster's client replaces a lost connection with a new one. */
  const known = new Set<string>();
  const each = (redis: Client) => {
    const server = redis instanceof Cluster ? 'all' : address(redis);
    if (redis.status === 'ready') known.add(server);
    listen(redis, 'ready', () => {
      if (known.has(server)) callback();
      known.add(server);
    });
  };
  each(client);
  if (!(client instanceof Cluster)) return;
  for (const node of client.nodes()) each(node);
  listen(client, '+node', (node) => each(node as Redis));
  let was = primaries(client);
  listen(client, 'refresh', () => {
    const now = primaries(client);
    if (was !== '' && now !== was) callback();
    was = now;
  });

  function listen(redis: Client, event: string, listener: (about?: unknown) => void): void {
    redis.on(event, listener);
    whenAborted(signal, () => redis.off(event, listener));
  }
}

/** The primaries of a Cluster. */
function primaries(client: Cluster): string {
  return client.nodes('master').map(address).toSorted().join(' ');
}

const address = ({ options: { host, port } }: Redis): string => `${host}:${port}`;
