import { StreamSpaceError } from '@streamspace/protocol';
import type { Clock } from 'clock-port';
import type { Store } from '../store.ts';
import type { RedisAddress } from '@streamspace/settings';
import { redisAgents } from './agents.ts';
import { redisCommands } from './commands.ts';
import { redisAudit } from './audit.ts';
import { RedisConnection } from './connection.ts';
import { redisCredentials } from './credentials.ts';
import { redisDisabledUsers } from './disabled-users.ts';
import { redisEvents } from './events.ts';
import { Locator } from './locator.ts';
import { redisSessions } from './sessions.ts';
import { Tail } from './tail.ts';
import { redisSignIns } from './sign-ins.ts';
import { redisSignals } from './signals.ts';
import { redisTemplates } from './templates.ts';
import { redisTickets } from './tickets.ts';

export interface RedisStoreOptions {
  readonly address: RedisAddress;
  /** PEM of the CAs that sign the servers' certificates; without: the system's. */
  readonly ca?: string | undefined;
  /** Number of replicas that must have an accepted command, a claim or a credential before it counts; 0: the primary alone. */
  readonly waitReplicas?: number;
  /** Longest wait for them, milliseconds. */
  readonly waitMs?: number;
  /** Called for trouble with a connection, which recovers without the caller's help. */
  readonly onError?: (error: Error) => void;
}

/** A store in Redis ≥ 7 or Valkey: one server, Sentinel or Cluster, for any number of hub replicas. Connects at once. */
export function redisStore(options: RedisStoreOptions, clock: Clock): Store {
  const { address, ca, waitReplicas = 0, waitMs = 1_000, onError = () => undefined } = options;
  const connection = new RedisConnection({ address, ca, clock, waitReplicas, waitMs, onError });
  const locator = new Locator(connection);
  const closing = new AbortController();
  const tail = new Tail(connection, clock, onError);
  return {
    agents: redisAgents(connection),
    credentials: redisCredentials(connection, clock),
    sessions: redisSessions(connection, locator),
    commands: redisCommands(connection, locator),
    tickets: redisTickets(connection),
    signIns: redisSignIns(connection),
    disabledUsers: redisDisabledUsers(connection),
    audit: redisAudit(connection),
    events: redisEvents(connection, tail),
    templates: redisTemplates(connection),
    signals: redisSignals(connection, clock, closing.signal, onError),

    async ping(signal) {
      signal.throwIfAborted();
      const key = 'ss:ping';
      // a write: a primary that accepts none is useless
      await connection.do((client) => client.set(key, '1', 'PX', 60_000));
      if (signal.aborted)
        throw new StreamSpaceError('store_unavailable', 'the store did not answer in time: try again');
    },

    onReturn: (callback, signal) => connection.onReturn(callback, AbortSignal.any([signal, closing.signal])),

    async close() {
      closing.abort(new Error('the store is closed'));
      await tail.close();
      connection.close();
    },
  };
}
