import type { Event, Session } from '@streamspace/protocol';
import { type Clock, iso } from 'clock-port';
import { withoutPlace } from '../public/agent.ts';
import { publicCommand } from '../public/command.ts';
import type { AgentRecord, CommandRecord, Store } from '../store/store.ts';

/** Writes events into the event store; call it after the change itself is stored. */
export interface Publisher {
  session(session: Session): Promise<void>;
  command(command: CommandRecord): Promise<void>;
  /** The agent's current record; for `agent.registered` with its connection id. */
  agent(type: 'agent.registered' | 'agent.updated', agent: AgentRecord): Promise<void>;
  agentRefused(agentId: string, data: { replica: string; term: number; code: string; message: string }): Promise<void>;
  agentDisconnected(agentId: string, reason: string): Promise<void>;
}

export function publisher(store: Store, clock: Clock): Publisher {
  const append = async (
    type: Event['type'],
    about: Partial<Pick<Event, 'agent' | 'session' | 'user'>>,
    data: Event['data'],
  ): Promise<void> => {
    await store.events.append({ at: iso(clock.now()), type, agent: null, session: null, user: null, ...about, data });
  };
  return {
    session: (session) =>
      append(
        session.state === 'gone' ? 'session.gone' : 'session.updated',
        { agent: session.agent, session: session.id, user: session.user },
        { ...session },
      ),
    command: (command) =>
      append(
        'command.updated',
        { agent: command.agent, session: command.session, user: command.user },
        publicCommand(command),
      ),
    agent: (type, agent) =>
      append(
        type,
        { agent: agent.id },
        { ...withoutPlace(agent), ...(type === 'agent.registered' && { connection_id: agent.connection_id }) },
      ),
    agentRefused: (agent, data) => append('agent.refused', { agent }, data),
    agentDisconnected: (agent, reason) => append('agent.disconnected', { agent }, { reason }),
  };
}
