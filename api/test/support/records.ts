import type { AgentMessageOf, Session, Template } from '@streamspace/protocol';
import type { Claim, CommandRecord } from '../../src/store/store.ts';

/** Records with everything in them that a test doesn't care for. */
export const AT = '2026-01-01T00:00:00.000Z';
export const LATER = '2026-01-01T00:01:00.000Z';
export const GIB = 1024 ** 3;
export const CAPACITY = { cpu: 8, memory: 16 * GIB, max_sessions: 10 };

export const hello = (patch: Partial<AgentMessageOf<'hello'>> = {}): AgentMessageOf<'hello'> => ({
  type: 'hello',
  versions: [3, 2],
  agent_id: 'a1',
  replica: 'r1',
  term: 1,
  platform: 'process',
  region: 'eu',
  priority: 'normal',
  capacity: CAPACITY,
  build: 'test',
  ...patch,
});

export function claim(patch: Partial<Claim> = {}, helloPatch: Partial<AgentMessageOf<'hello'>> = {}): Claim {
  const { agentId = 'a1', term = 1, replica = 'r1' } = patch;
  return {
    agentId,
    term,
    replica,
    connectionId: `conn-${replica}-${term}`,
    hub: 'h1',
    takeover: false,
    at: AT,
    hello: hello({ agent_id: agentId, term, replica, ...helloPatch }),
    ...patch,
  };
}

export const beat = (patch: Partial<AgentMessageOf<'heartbeat'>> = {}): AgentMessageOf<'heartbeat'> => ({
  type: 'heartbeat',
  seq: 1,
  status: 'online',
  capacity: CAPACITY,
  active_sessions: 0,
  replicas: [],
  ...patch,
});

export const session = (patch: Partial<Session> = {}): Session => ({
  id: 's1',
  name: 'Desktop',
  user: 'alice',
  template: 'desktop',
  agent: 'a1',
  platform: 'process',
  region: 'eu',
  state: 'pending',
  reason: null,
  cpu: 1,
  memory: GIB,
  storage: GIB,
  created_at: AT,
  updated_at: AT,
  command: 'c1',
  ...patch,
});

export const command = (patch: Partial<CommandRecord> = {}): CommandRecord => ({
  id: 'c1',
  action: 'create_session',
  agent: 'a1',
  session: 's1',
  user: 'alice',
  state: 'pending',
  attempt: 0,
  error: null,
  created_at: AT,
  updated_at: AT,
  expires_at: LATER,
  trace_id: '0af7651916cd43dd8448eb211c80319c',
  payload: {},
  connection_id: null,
  ...patch,
});

export const template = (patch: Partial<Template> = {}): Template => ({
  id: 'desktop',
  name: 'Desktop',
  description: '',
  platforms: ['process'],
  image: '',
  cpu: 1,
  memory: GIB,
  storage: GIB,
  env: {},
  ...patch,
});

export const ROOM = { maxSessions: 10, cpu: 8, memory: 16 * GIB };
