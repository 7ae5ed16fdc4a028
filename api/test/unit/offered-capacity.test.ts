import { Agent } from '@streamspace/protocol';
import { cpu, bytes } from '@streamspace/settings';
import fc from 'fast-check';
import { Compile } from 'typebox/compile';
import { expect, it } from 'vitest';
import { offeredCapacity } from '../../src/public/agent.ts';

const schema = Compile(Agent.properties.capacity);

it.each([
  [{ cpu: 8, memory: 16 * 2 ** 30, max_sessions: 100 }, '8000m', '16Gi'],
  [{ cpu: 0.25, memory: 1_536 * 2 ** 20, max_sessions: 1 }, '250m', '1536Mi'],
  [{ cpu: 3.92, memory: 16_415_948_800, max_sessions: 1 }, '3920m', '16031200Ki'],
  [{ cpu: 1_000_000, memory: Number.MAX_SAFE_INTEGER, max_sessions: 1 }, '1000000000m', '9007199254740991'],
  [{ cpu: 0, memory: 0, max_sessions: 0 }, '0m', '0'],
])('guide: a capacity of %o is told as %s and %s', (capacity, cpus, memory) => {
  const told = offeredCapacity(capacity);
  expect(told).toEqual({
    cpu: cpus,
    cpu_cores: capacity.cpu,
    memory,
    memory_bytes: capacity.memory,
    max_sessions: capacity.max_sessions,
  });
});

it('guide: amounts are what a setting takes, and the same as the numbers', () => {
  const capacities = fc.record({
    cpu: fc.integer({ min: 1, max: 60_000_000 }).map((milli) => milli / 1000),
    memory: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    max_sessions: fc.nat(10_000),
  });
  fc.assert(
    fc.property(capacities, (capacity) => {
      const told = offeredCapacity(capacity);
      expect(schema.Errors(told)).toEqual([]);
      expect(cpu.parse(told.cpu)).toBeCloseTo(capacity.cpu, 6);
      expect(bytes.parse(told.memory)).toBe(capacity.memory);
    }),
  );
});
