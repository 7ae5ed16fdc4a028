import type { Capacity, OfferedCapacity } from '@streamspace/protocol';
import { bytes } from '@streamspace/settings';

/** Capacity as agents report it (cores, bytes) as users are told it: as amounts, and as numbers. */
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
