import { LIMITS } from '@streamspace/protocol';
import { afterEach, beforeEach } from 'vitest';
import { TestHub } from './hub.ts';
import { eventually } from './inbox.ts';
import type { ScriptedAgent } from './scripted-agent.ts';

/** Three replicas of the hub on one store; agents are at the first, everybody else elsewhere. */
export let holder: TestHub;
export let other: TestHub;
export let third: TestHub;

/** They are there for each test of the file that calls this. */
export function threeHubs(): void {
  beforeEach(async () => {
    holder = await TestHub.start();
    other = await TestHub.start(undefined, holder);
    third = await TestHub.start(undefined, holder);
  });
  afterEach(async () => {
    await Promise.all([holder.stop(), other.stop(), third.stop()]);
    await eventually('no timer left', () => holder.clock.pending === 0);
  });
}

/** A screen through the other replica. */
export async function farScreen(agent: ScriptedAgent, credit: number = LIMITS.initialCredit) {
  const viewer = await other.viewer('s1');
  const { stream_id: id } = await agent.hear('vnc_connect');
  agent.say({ type: 'vnc_connected', stream_id: id, credit });
  await eventually('relayed', () => other.gateway.counts.viewers === 1 && holder.gateway.counts.streams >= 1);
  return { viewer, id };
}

/** A metric of a hub, by its name and labels; 0 without. */
export const metric = async (hub: TestHub, line: string): Promise<number> => {
  const text = await hub.deps.metrics.metrics();
  return Number(
    text
      .split('\n')
      .find((each) => each.startsWith(`${line} `))
      ?.split(' ')
      .at(-1) ?? 0,
  );
};
