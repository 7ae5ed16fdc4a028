import { join } from 'node:path';
import type { Clock } from 'clock-port';
import type { Lock } from 'lease-elector';
import { FileLock, type ProcessTable } from 'lease-elector/file/index';
import { MemoryLease } from 'lease-elector/memory/index';
import { type Config, ConfigError } from '../config.ts';

/** A lock, and who this replica is to it: `<replica>@<what no other process has>`. */
export interface ReplicaLock {
  readonly lock: Lock;
  readonly identity: string;
}

/** The lock that LEASE_LOCK names. Its name derives from AGENT_ID, never from the replica (failure 10). Rejects with {@link ConfigError}. */
export async function lockFor(
  config: Config,
  clock: Clock,
  processes: ProcessTable,
  nonce: string,
): Promise<ReplicaLock> {
  const { kind, target } = config.leaseLock;
  switch (kind) {
    case 'file': {
      const directory = target === '' ? join(config.stateDir, 'leases', config.agentId) : target;
      const lock = await FileLock.open({ directory, clock, processes, replicaName: config.podName });
      return { lock, identity: lock.identity };
    }
    case 'memory':
      return { lock: new MemoryLease(config.agentId, clock).lock(), identity: `${config.podName}@${nonce}` };
    default:
      throw new ConfigError([
        { name: 'LEASE_LOCK', message: `LEASE_LOCK: ${kind} is not in this build; it has file and memory` },
      ]);
  }
}

/** The replica's name in an identity of the lock. */
export function replicaOf(identity: string): string {
  const at = identity.lastIndexOf('@');
  return at > 0 ? identity.slice(0, at) : identity;
}
