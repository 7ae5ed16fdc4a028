import { type Clock, Outage } from 'clock-port';
import type { FastifyBaseLogger } from 'fastify';
import type { Publisher } from '../events/publisher.ts';

/** The publisher, except that an event that can't be stored only makes a log line, because the change itself has happened. */
export function tolerant(publish: Publisher, clock: Clock, log: FastifyBaseLogger): Publisher {
  const outage = new Outage(clock, log, 'Event not published');
  const missed = (error: unknown) => outage.failed({ err: error });
  return {
    session: (session) => publish.session(session).catch(missed),
    command: (command) => publish.command(command).catch(missed),
    agent: (type, agent) => publish.agent(type, agent).catch(missed),
    agentRefused: (agentId, data) => publish.agentRefused(agentId, data).catch(missed),
    agentDisconnected: (agentId, reason) => publish.agentDisconnected(agentId, reason).catch(missed),
  };
}
