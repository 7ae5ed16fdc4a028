import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PlacementCandidate, FAILOVER_MS, place, type PlacementRequest } from '../../src/sessions/placement.ts';
import { GIB } from '../support/records.ts';

const NOW = Date.parse('2026-01-01T00:10:00.000Z');
/** When something was, `ms` ago. */
const ago = (ms: number) => new Date(NOW - ms).toISOString();

const agent = (id: string, patch: Partial<PlacementCandidate> = {}): PlacementCandidate => ({
  id,
  platform: 'process',
  region: 'eu-west-1',
  priority: 'normal',
  status: 'online',
  draining: false,
  connected: true,
  capacity: { cpu: 8, memory: 16 * GIB, max_sessions: 10 },
  active_sessions: 0,
  used: { cpu: 0, memory: 0 },
  ...patch,
});
const request = (patch: Partial<PlacementRequest> = {}): PlacementRequest => ({
  platforms: ['process'],
  cpu: 1,
  memory: GIB,
  ...patch,
});
const chosen = (wish: PlacementRequest, agents: PlacementCandidate[]): string | undefined => {
  const result = place(wish, agents, NOW);
  return 'agent' in result ? result.agent.id : undefined;
};
const refusal = (wish: PlacementRequest, agents: PlacementCandidate[]): string => {
  const result = place(wish, agents, NOW);
  return 'reasons' in result ? result.reasons : `placed on ${result.agent.id}`;
};
const full = { used: { cpu: 8, memory: 16 * GIB } };

describe('failure 12: placement by capacity and region', () => {
  it('prefers the region asked for, however loaded, and takes another when none there fits', () => {
    const here = agent('here', { used: { cpu: 6, memory: 0 } });
    const away = agent('away', { region: 'us-east-1', priority: 'high' });
    expect(chosen(request({ region: 'eu-west-1' }), [away, here])).toBe('here');
    expect(chosen(request({ region: 'eu-west-1', cpu: 4 }), [away, here])).toBe('away');
  });

  it('prefers a healthy agent to one that warns, then the higher priority, then the lower load', () => {
    expect(chosen(request(), [agent('a', { status: 'warning', priority: 'high' }), agent('b')])).toBe('b');
    expect(
      chosen(request(), [
        agent('a', { priority: 'low' }),
        agent('b'),
        agent('c', { priority: 'high', active_sessions: 9 }),
      ]),
    ).toBe('c');
    expect(chosen(request(), [agent('a', { priority: 'low' }), agent('b', { active_sessions: 9 })])).toBe('b');
    expect(chosen(request(), [agent('a', { active_sessions: 2 }), agent('b', { used: { cpu: 1, memory: 0 } })])).toBe(
      'b',
    );
    expect(chosen(request(), [agent('b'), agent('a')])).toBe('a');
  });

  it('takes an agent that warns when there is no other, and never one with an error', () => {
    expect(chosen(request(), [agent('a', { status: 'warning' })])).toBe('a');
    expect(chosen(request(), [agent('a', { status: 'error' })])).toBeUndefined();
  });

  it('K9 takes an agent that is between two leaders, when none that is there will do', () => {
    const away = (patch: Partial<PlacementCandidate> = {}) =>
      agent('away', { connected: false, status: 'offline', away_since: ago(FAILOVER_MS), ...patch });
    expect(chosen(request(), [away()])).toBe('away');
    expect(chosen(request({ agent: 'away' }), [away()])).toBe('away');
    // the one that is there, however loaded, of whatever region and priority
    const there = agent('there', { active_sessions: 9, region: 'us', priority: 'low', status: 'warning' });
    expect(chosen(request({ region: 'eu-west-1' }), [away({ priority: 'high' }), there])).toBe('there');
    expect(chosen(request(), [away(), agent('there', full)])).toBe('away');
    expect(refusal(request({ agent: 'away' }), [away(full)])).toBe('agent away has not 1 CPU free');
    for (const gone of [{ away_since: ago(FAILOVER_MS + 1) }, { away_since: null }, { draining: true }])
      expect(chosen(request(), [away(gone)]), JSON.stringify(gone)).toBeUndefined();
    expect(refusal(request({ agent: 'away' }), [away({ away_since: ago(FAILOVER_MS + 1) })])).toBe(
      'agent away is not connected',
    );
  });

  it('takes the agent that was asked for, and no other', () => {
    expect(chosen(request({ agent: 'b' }), [agent('a'), agent('b', { active_sessions: 9 })])).toBe('b');
    expect(chosen(request({ agent: 'b' }), [agent('a'), agent('b', full)])).toBeUndefined();
  });

  it.each<[string, PlacementRequest, PlacementCandidate[]]>([
    ['no agent has ever connected here: enrol one and start it', request(), []],
    ['2 agents known, none online', request(), [agent('a', { connected: false }), agent('b', { status: 'error' })]],
    [
      '2 agents known, none online (1 being drained)',
      request(),
      [agent('a', { draining: true, status: 'offline' }), agent('b', { connected: false })],
    ],
    [
      '1 agent online, none of platform kubernetes or docker, which the template needs',
      request({ platforms: ['kubernetes', 'docker'] }),
      [agent('a')],
    ],
    [
      '3 agents online, none with 4 CPUs free in eu-west-1',
      request({ cpu: 4, region: 'eu-west-1' }),
      ['a', 'b', 'c'].map((id) => agent(id, full)),
    ],
    [
      '2 agents online, none with 1 CPU free in eu-west-1 or elsewhere',
      request({ region: 'eu-west-1' }),
      [agent('a', full), agent('b', { ...full, region: 'us' })],
    ],
    [
      '1 agent online, none with 1.5 GiB of memory free',
      request({ memory: 1.5 * GIB }),
      [agent('a', { used: { cpu: 0, memory: 15 * GIB } })],
    ],
    [
      '1 agent online, none with room for another session (max_sessions)',
      request(),
      [agent('a', { active_sessions: 10 })],
    ],
    [
      '2 agents online, none with 4 CPUs, 4 GiB of memory and room for another session at once',
      request({ cpu: 4, memory: 4 * GIB }),
      [agent('a', { used: { cpu: 8, memory: 0 } }), agent('b', { used: { cpu: 0, memory: 16 * GIB } })],
    ],
    ['there is no agent x', request({ agent: 'x' }), [agent('a')]],
    ['agent a is not connected', request({ agent: 'a' }), [agent('a', { connected: false }), agent('b')]],
    [
      'agent a is being drained and takes no new sessions',
      request({ agent: 'a' }),
      [agent('a', { draining: true, status: 'offline' })],
    ],
    ['agent a reports status error', request({ agent: 'a' }), [agent('a', { status: 'error' })]],
    [
      'agent a is of platform process, and the template needs docker',
      request({ agent: 'a', platforms: ['docker'] }),
      [agent('a')],
    ],
    ['agent a has not 2 CPUs free', request({ agent: 'a', cpu: 2 }), [agent('a', full)]],
  ])('says why: %s', (reason, wish, agents) => {
    expect(refusal(wish, agents)).toBe(reason);
  });

  it('takes ten tenths of a CPU for a whole one', () => {
    const used = Array.from({ length: 9 }).reduce<number>((sum) => sum + 0.1, 0);
    expect(
      chosen(request({ cpu: 0.1 }), [
        agent('a', {
          capacity: { cpu: 1, memory: GIB, max_sessions: 99 },
          used: { cpu: used, memory: 0 },
          active_sessions: 9,
        }),
      ]),
    ).toBe('a');
  });
});

describe('placement, for any agents and wishes', () => {
  const candidates = fc.uniqueArray(
    fc.record<PlacementCandidate>({
      id: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g'),
      platform: fc.constantFrom('process', 'docker'),
      region: fc.constantFrom('eu', 'us', ''),
      priority: fc.constantFrom('high', 'normal', 'low'),
      status: fc.constantFrom('online', 'warning', 'error', 'offline'),
      draining: fc.boolean(),
      connected: fc.boolean(),
      capacity: fc.record({
        cpu: fc.integer({ min: 0, max: 8 }),
        memory: fc.integer({ min: 0, max: 8 }),
        max_sessions: fc.integer({ min: 0, max: 5 }),
      }),
      active_sessions: fc.integer({ min: 0, max: 6 }),
      used: fc.record({ cpu: fc.integer({ min: 0, max: 9 }), memory: fc.integer({ min: 0, max: 9 }) }),
    }),
    { selector: ({ id }) => id },
  );
  const wishes = fc.record<PlacementRequest>({
    platforms: fc.constantFrom(['process'], ['docker'], ['process', 'docker']),
    cpu: fc.integer({ min: 1, max: 8 }),
    memory: fc.integer({ min: 1, max: 8 }),
    region: fc.option(fc.constantFrom('eu', 'us'), { nil: undefined }),
    agent: fc.option(fc.constantFrom('a', 'b', 'x'), { nil: undefined }),
  });
  const could = (wish: PlacementRequest, each: PlacementCandidate): boolean =>
    (wish.agent === undefined || wish.agent === each.id) &&
    each.connected &&
    !each.draining &&
    (each.status === 'online' || each.status === 'warning') &&
    wish.platforms.includes(each.platform) &&
    each.active_sessions < each.capacity.max_sessions &&
    each.used.cpu + wish.cpu <= each.capacity.cpu &&
    each.used.memory + wish.memory <= each.capacity.memory;

  it('finds a place exactly when there is one, and only one that fits', () => {
    fc.assert(
      fc.property(wishes, candidates, (wish, agents) => {
        const result = place(wish, agents, NOW);
        if ('agent' in result) expect(could(wish, result.agent)).toBe(true);
        else {
          expect(agents.some((each) => could(wish, each))).toBe(false);
          expect(result.reasons).not.toBe('');
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('never leaves the region asked for while an agent there fits', () => {
    fc.assert(
      fc.property(wishes, candidates, (wish, agents) => {
        const result = place(wish, agents, NOW);
        if (!('agent' in result) || wish.region === undefined || result.agent.region === wish.region) return;
        expect(agents.some((each) => each.region === wish.region && could(wish, each))).toBe(false);
      }),
      { numRuns: 1_000 },
    );
  });

  it('does not depend on the order of the agents', () => {
    fc.assert(
      fc.property(wishes, candidates, (wish, agents) => {
        expect(place(wish, agents.toReversed(), NOW)).toEqual(place(wish, agents, NOW));
      }),
    );
  });
});
