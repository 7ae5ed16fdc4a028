import { join } from 'node:path';
import { type Clock, Outage } from 'clock-port';
import { FileLock, type ProcessTable } from 'lease-elector/file/index';
import { MemoryLease } from 'lease-elector/memory/index';
import type { Logger } from 'pino';
import type { AgentConfig } from '../config.ts';
import type { ReplicaLock } from './replica-lock.ts';

/** The lock that LEASE_LOCK names. Its name is configured or derives from AGENT_ID, never from the replica (failure 10). */
export async function lockFor(
  config: AgentConfig,
  clock: Clock,
  log: Logger,
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
    case 'redis': {
      // ioredis is loaded only if it is used
      const { RedisLock } = await import('lease-elector/redis/index');
      const trouble = new Outage(clock, log, 'Redis of the lease');
      const onError = (error: Error) => trouble.failed({ err: error });
      const lock = new RedisLock({ redis: target, clock, name: config.agentId, onError });
      return { lock, identity: `${config.podName}@${nonce}` };
    }
    case 'kubernetes': {
      const { kubernetesLock } = await import('./kubernetes-lock.ts');
      return kubernetesLock(config, clock, log, nonce);
    }
  }
}
