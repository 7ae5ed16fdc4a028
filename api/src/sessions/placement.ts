import { type AgentStatus, type Platform } from '@streamspace/protocol';
import { parseIso } from 'clock-port';
import type { AgentRecord } from '../store/store.ts';

/** What a session needs of its place. `cpu` in cores, `memory` in bytes. */
export interface PlacementRequest {
  platforms: readonly Platform[];
  cpu: number;
  memory: number;
  /** A wish: agents of other regions are taken when none here fits. */
  region?: string | undefined;
  /** Only this agent will do. */
  agent?: string | undefined;
}

/** What placement looks at. */
export type PlacementCandidate = Pick<
  AgentRecord,
  | 'id'
  | 'platform'
  | 'region'
  | 'priority'
  | 'status'
  | 'draining'
  | 'connected'
  | 'capacity'
  | 'active_sessions'
  | 'used'
  | 'away_since'
>;

export type Placement<A extends PlacementCandidate = PlacementCandidate> =
  | { agent: A }
  | {
      /** In words, for the user. */ reasons: string;
      /** No agent would have as much if it were empty: waiting does not help. */ tooLarge: boolean;
    };

const HEALTHY = new Set<AgentStatus>(['online', 'warning']);
const PRIORITY = { high: 0, normal: 1, low: 2 } as const;
const GIB = 1024 ** 3;

/**
 * Milliseconds after the end of its last connection in which an agent is taken to be between two leaders: it still takes new sessions,
 * which wait for the next one. Several times as long as the slowest failover that was measured (docs/ha.md), so that one which takes a
 * second try falls into it, and short enough that a session does not wait for an agent which is gone.
 */
export const FAILOVER_MS = 30_000;

const isOnline = (agent: PlacementCandidate): boolean =>
  agent.connected && !agent.draining && HEALTHY.has(agent.status);

const isBetweenLeaders = (agent: PlacementCandidate, now: number): boolean =>
  !agent.connected &&
  !agent.draining &&
  typeof agent.away_since === 'string' &&
  now - parseIso(agent.away_since) <= FAILOVER_MS;

// sums of fractions: 0.1 + 0.2 CPUs are not more than 0.3
const cpuFits = (agent: PlacementCandidate, { cpu }: PlacementRequest): boolean =>
  agent.used.cpu + cpu <= agent.capacity.cpu + 1e-9;
const memoryFits = (agent: PlacementCandidate, { memory }: PlacementRequest): boolean =>
  agent.used.memory + memory <= agent.capacity.memory;
const slotFree = (agent: PlacementCandidate): boolean => agent.active_sessions < agent.capacity.max_sessions;

/** How full the agent would be with the session: the fullest of its capacities, 0 to 1. */
function load(agent: PlacementCandidate, request: PlacementRequest): number {
  const share = (used: number, of: number) => (of > 0 ? used / of : 1);
  return Math.max(
    share(agent.used.cpu + request.cpu, agent.capacity.cpu),
    share(agent.used.memory + request.memory, agent.capacity.memory),
    share(agent.active_sessions + 1, agent.capacity.max_sessions),
  );
}

/**
 * The agent for a new session: of those that are online (or, where none will do, between two leaders), run its template's platform and have
 * room, the one in the region asked for, healthy before warning, of the highest priority, and then the least loaded. Or, in words, why there
 * is none. `now`: Unix milliseconds.
 */
export function place<A extends PlacementCandidate>(
  request: PlacementRequest,
  agents: readonly A[],
  now: number,
): Placement<A> {
  const asked = request.agent === undefined ? agents : agents.filter((agent) => agent.id === request.agent);
  const online = asked.filter((agent) => isOnline(agent) || isBetweenLeaders(agent, now));
  const suitable = online.filter((agent) => request.platforms.includes(agent.platform));
  const roomy = suitable.filter((agent) => slotFree(agent) && cpuFits(agent, request) && memoryFits(agent, request));
  const ranked = roomy.toSorted(
    (a, b) =>
      // who is there does not keep the user waiting
      Number(b.connected) - Number(a.connected) ||
      (request.region === undefined ? 0 : Number(b.region === request.region) - Number(a.region === request.region)) ||
      Number(b.status === 'online') - Number(a.status === 'online') ||
      PRIORITY[a.priority] - PRIORITY[b.priority] ||
      load(a, request) - load(b, request) ||
      (a.id < b.id ? -1 : 1),
  );
  const [best] = ranked;
  if (best) return { agent: best };
  const able = asked.filter(({ platform }) => request.platforms.includes(platform));
  const largest = largestOf(able);
  if (largest !== undefined && !able.some((agent) => holds(agent, request)))
    return { reasons: `no agent is as large, even when empty: ${largest}`, tooLarge: true };
  return { reasons: refusal(request, agents, asked, online, suitable), tooLarge: false };
}

/** Whether the agent had room for it if it ran nothing else. */
const holds = ({ capacity }: PlacementCandidate, { cpu, memory }: PlacementRequest): boolean =>
  cpu <= capacity.cpu + 1e-9 && memory <= capacity.memory;

/** In words; undefined: there is no agent. */
function largestOf(agents: readonly PlacementCandidate[]): string | undefined {
  if (agents.length === 0) return undefined;
  const most = (of: 'cpu' | 'memory') => Math.max(...agents.map(({ capacity }) => capacity[of]));
  return `the most CPUs are ${round(most('cpu'))}, the most memory is ${round(most('memory') / GIB)} GiB`;
}

function refusal(
  request: PlacementRequest,
  all: readonly PlacementCandidate[],
  asked: readonly PlacementCandidate[],
  online: readonly PlacementCandidate[],
  suitable: readonly PlacementCandidate[],
): string {
  if (all.length === 0) return 'no agent has ever connected here: enrol one and start it';
  if (request.agent !== undefined) return refusalOfOne(request.agent, request, asked[0], online.length > 0);
  if (online.length === 0) return `${count(all.length)} known, none online${drained(all)}`;
  const head = `${count(online.length)} online`;
  if (suitable.length === 0) return `${head}, none of platform ${either(request.platforms)}, which the template needs`;
  return `${head}, none with ${missing(request, suitable)}${where(request, suitable)}`;
}

function refusalOfOne(
  id: string,
  request: PlacementRequest,
  agent: PlacementCandidate | undefined,
  takes: boolean,
): string {
  if (agent === undefined) return `there is no agent ${id}`;
  if (!agent.connected && !takes) return `agent ${id} is not connected`;
  if (agent.draining) return `agent ${id} is being drained and takes no new sessions`;
  if (!takes) return `agent ${id} reports status ${agent.status}`;
  if (!request.platforms.includes(agent.platform))
    return `agent ${id} is of platform ${agent.platform}, and the template needs ${either(request.platforms)}`;
  return `agent ${id} has not ${missing(request, [agent])}`;
}

/** What none of the agents has: the first thing that all of them lack, or the combination. */
function missing(request: PlacementRequest, agents: readonly PlacementCandidate[]): string {
  const cpus = `${round(request.cpu)} ${request.cpu === 1 ? 'CPU' : 'CPUs'}`;
  const memory = `${round(request.memory / GIB)} GiB of memory`;
  if (!agents.some(slotFree)) return 'room for another session (max_sessions)';
  if (!agents.some((agent) => cpuFits(agent, request))) return `${cpus} free`;
  if (!agents.some((agent) => memoryFits(agent, request))) return `${memory} free`;
  return `${cpus}, ${memory} and room for another session at once`;
}

function where({ region }: PlacementRequest, agents: readonly PlacementCandidate[]): string {
  if (region === undefined) return '';
  return agents.every((agent) => agent.region === region) ? ` in ${region}` : ` in ${region} or elsewhere`;
}

function drained(agents: readonly PlacementCandidate[]): string {
  const draining = agents.filter((agent) => agent.connected && agent.draining).length;
  return draining === 0 ? '' : ` (${draining} being drained)`;
}

const count = (agents: number): string => (agents === 1 ? '1 agent' : `${agents} agents`);
const either = (names: readonly string[]): string => names.join(' or ');
const round = (value: number): string => String(Math.round(value * 100) / 100);
