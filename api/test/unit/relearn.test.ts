import { randomBytes } from 'node:crypto';
import { StreamSpaceError } from '@streamspace/protocol';
import { VirtualClock } from '@streamspace/testkit';
import { describe, expect, test } from 'vitest';
import type { AgentLink } from '../../src/agents/link/link.ts';
import { relearn, type RelearnDeps } from '../../src/agents/fleet/relearn.ts';
import { readHubConfig } from '../../src/config.ts';

function scene(agents = ['a1', 'a2']) {
  const clock = new VirtualClock();
  const stop = new AbortController();
  const asked: string[] = [];
  const links = agents.map((agentId) => ({ agentId, open: true, signal: stop.signal }));
  const its = { back: (): void => {}, away: 0, over: false };
  const line = () => undefined;
  const deps = {
    clock,
    config: readHubConfig({ JWT_SECRET: 'x'.repeat(32) }),
    randomBytes,
    log: { info: line, warn: line },
    dispatcher: { wake: line },
    store: {
      onReturn: (callback: () => void) => void (its.back = callback),
      commands: {
        append: async ({ agent, action }: { agent: string; action: string }) => {
          if (its.away-- > 0) throw new StreamSpaceError('store_unavailable', 'away again');
          asked.push(`${agent} ${action}`);
        },
      },
    },
  } as unknown as RelearnDeps;
  void relearn(deps, () => links as unknown as AgentLink[], stop.signal).then(() => (its.over = true));
  return { clock, stop, asked, links, its };
}

const ALL = ['a1 list_sessions', 'a2 list_sessions'];

describe('[SES3] what agents run is asked when the store is back', () => {
  test('each that is connected, once, however often it comes back at a time; and again for what came meanwhile', async () => {
    const { clock, asked, links, its } = scene();
    await clock.advance(60_000);
    expect(asked).toEqual([]);
    for (let n = 0; n < 5; n += 1) its.back();
    await clock.advance(10_000);
    expect(asked.splice(0)).toEqual(ALL);
    for (let n = 0; n < 5; n += 1) its.back();
    await clock.advance(10_000);
    expect(asked).toEqual([]);
    await clock.advance(20_000);
    expect(asked.splice(0)).toEqual(ALL);
    links[0]!.open = false;
    its.back();
    await clock.advance(60_000);
    expect(asked).toEqual(['a2 list_sessions']);
  });

  test('one after the other, with the store away again in between', async () => {
    const { clock, asked, its } = scene();
    its.away = 3;
    its.back();
    await clock.advance(1);
    expect(asked).toEqual([]);
    await clock.advance(10_000);
    expect(asked).toEqual(ALL);
  });

  test('until the hub stops', async () => {
    const { clock, stop, its } = scene();
    stop.abort();
    await clock.advance(0);
    expect([its.over, clock.pending]).toEqual([true, 0]);
  });
});
