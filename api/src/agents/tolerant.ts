import type { FastifyBaseLogger } from 'fastify';
import type { Publisher } from '../events/publisher.ts';

/** The publisher, but an event that can't be stored is a line in the log: what happened has happened. */
export function tolerant(publish: Publisher, log: FastifyBaseLogger): Publisher {
  const missed = (error: unknown) => log.warn({ err: error }, 'Event not published');
  return {
    session: (session) => publish.session(session).catch(missed),
    command: (command) => publish.command(command).catch(missed),
    agent: (type, agent) => publish.agent(type, agent).catch(missed),
    agentRefused: (agentId, data) => publish.agentRefused(agentId, data).catch(missed),
    agentDisconnected: (agentId, reason) => publish.agentDisconnected(agentId, reason).catch(missed),
  };
}
