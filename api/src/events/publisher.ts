import { type Agent, Capacity, type Command, type Event, type Session } from '@streamspace/protocol';
import { type Clock, iso } from 'clock-port';
import { Check } from 'typebox/value';
import { offeredCapacity } from '../agents/offered-capacity.ts';
import type { AgentRecord, CommandRecord, Store } from '../store/store.ts';

/** Writes what happened into the event store; call it after the change itself is stored. */
export interface Publisher {
  session(session: Session): Promise<void>;
  command(command: CommandRecord): Promise<void>;
  /** The agent as it is now; for `agent.registered` with its connection id. */
  agent(type: 'agent.registered' | 'agent.updated', agent: AgentRecord): Promise<void>;
  agentRefused(agentId: string, data: { replica: string; term: number; code: string; message: string }): Promise<void>;
  agentDisconnected(agentId: string, reason: string): Promise<void>;
}

/** The record without where its connection is. */
function withoutPlace(record: AgentRecord) {
  const { connection_id: _connection, hub: _hub, away_since: _away, ...agent } = record;
  return agent;
}

/** The agent as users see it. */
export function publicAgent(record: AgentRecord): Agent {
  return { ...withoutPlace(record), capacity: offeredCapacity(record.capacity) };
}

/** The event as users see it. What is kept has the capacity as numbers: that is what replicas read, those of the version before too. */
export function publicEvent(event: Event): Event {
  const { capacity } = event.data;
  return Check(Capacity, capacity) ? { ...event, data: { ...event.data, capacity: offeredCapacity(capacity) } } : event;
}

/** The command as users see it: without what its delivery needs. */
export function publicCommand(record: CommandRecord): Command {
  const { connection_id: _connection, payload: _payload, former: _former, ...command } = record;
  return command;
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
