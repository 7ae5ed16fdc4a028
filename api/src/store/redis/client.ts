import { Cluster, Redis, type RedisOptions } from 'ioredis';
import type { RedisAddress } from '@streamspace/settings';

export type Client = Redis | Cluster;

/** Longest duration of a command at the server, milliseconds. */
export const COMMAND_MS = 2_000;
/** Milliseconds without a byte after which a waiting connection is replaced. Longer than a blocking read. */
const SILENCE_MS = 3_000;
const MAX_RECONNECT_MS = 1_000;

export interface ClientOptions {
  readonly address: RedisAddress;
  /** PEM of the CAs that sign the servers' certificates; without: the system's. */
  readonly ca?: string | undefined;
  readonly onError: (error: Error) => void;
}

/** Milliseconds before the next attempt: doubled, with jitter, so that hubs don't reconnect in step. */
const pause = (times: number): number =>
  Math.min(25 * 2 ** Math.min(times, 10), MAX_RECONNECT_MS) * (0.5 + Math.random() / 2);

/**
 * A client that connects and reconnects by itself, and never sends a command late: a command that can't be sent now fails, and so does every command in progress
 * when a connection breaks. A frozen server counts as absent.
 */
export function openClient({ address, ca, onError }: ClientOptions): Client {
  const { kind, hosts, username, password, db, master } = address;
  const tls = address.tls ? { tls: ca === undefined ? {} : { ca } } : {};
  const options = {
    connectionName: 'streamspace-hub',
    protocol: 2 as const,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...tls,
    connectTimeout: COMMAND_MS,
    commandTimeout: COMMAND_MS,
    socketTimeout: SILENCE_MS,
    keepAlive: 5_000,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
  } satisfies RedisOptions;
  const client = kind === 'cluster' ? cluster() : single();
  client.on('error', (error: Error) => onError(withoutCommand(error)));
  // every step that waits for the connection adds a listener
  client.setMaxListeners(0);
  if (client instanceof Redis) survive(client);
  else client.on('+node', survive);
  return client;

  function single(): Redis {
    return new Redis({
      ...options,
      ...(kind === 'sentinel'
        ? {
            sentinels: hosts.map((each) => ({ ...each })),
            name: master!,
            sentinelRetryStrategy: pause,
            sentinelCommandTimeout: COMMAND_MS,
            ...(tls.tls && { enableTLSForSentinelMode: true, sentinelTLS: tls.tls }),
          }
        : { host: hosts[0]!.host, port: hosts[0]!.port }),
      db,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      retryStrategy: pause,
      // a former primary that is now a replica
      reconnectOnError: (error) => error.message.startsWith('READONLY'),
    });
  }

  function cluster(): Cluster {
    return new Cluster(
      hosts.map((each) => ({ ...each })),
      {
        redisOptions: options,
        enableOfflineQueue: false,
        clusterRetryStrategy: pause,
        slotsRefreshTimeout: COMMAND_MS,
        slotsRefreshInterval: 5_000,
        maxRedirections: 8,
        // certificates name hosts, not addresses
        dnsLookup: (host, callback) => callback(null, host),
      },
    );
  }
}

/** The client's errors carry the command with its arguments, with the password for `AUTH`. */
export function withoutCommand<T>(error: T): T {
  if (error instanceof Error && 'command' in error) delete error.command;
  return error;
}

/** A TLS socket can fail twice: its own error, and then the alert that the server sends. The client listens only once. */
function survive(redis: Redis): void {
  redis.on('error', () => redis.stream?.on('error', () => undefined));
}
