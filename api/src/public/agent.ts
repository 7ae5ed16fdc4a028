import type { Agent, Capacity, OfferedCapacity } from '@streamspace/protocol';
import { bytes } from '@streamspace/settings';
import type { AgentRecord } from '../store/store.ts';

/** The record without the place of its connection. */
export function withoutPlace(record: AgentRecord) {
  const { connection_id: _connection, hub: _hub, away_since: _away, ...agent } = record;
  return agent;
}

/** The agent as users see it. */
export function publicAgent(record: AgentRecord): Agent {
  return { ...withoutPlace(record), capacity: offeredCapacity(record.capacity) };
}

/** Reported capacity (cores, bytes) in the form for users: as amounts, and as numbers. */
export function offeredCapacity({ cpu, memory, max_sessions }: Capacity): OfferedCapacity {
  const whole = Math.round(memory);
  return {
    cpu: `${Math.round(cpu * 1000)}m`,
    cpu_cores: cpu,
    memory: whole === 0 ? '0' : bytes.print(whole),
    memory_bytes: memory,
    max_sessions,
  };
}
