import type { IncomingMessage } from 'node:http';
import type { StreamSpaceError } from '@streamspace/protocol';
import type { FastifyInstance } from 'fastify';
import type { HubDeps } from '../deps.ts';
import type { Clients } from '../http/client-address.ts';
import type { TicketRecord } from '../store/store.ts';

/** What the REST half asks of the half that holds the agents' links. */
export interface CommandNotifier {
  /** A command was appended for this agent: deliver it, here or by the replica that holds the agent. Returns at once, never throws. */
  wake(agentId: string): void;
}

/** What a session looked like. */
export interface SessionPicture {
  /** A PNG file. */
  readonly png: Buffer;
  /** When it was taken, milliseconds since 1970. */
  readonly at: number;
}

export interface AgentLinks {
  /**
   * Gives the agent a new credential over its live link, wherever in the hub that is, and resolves when the agent has stored it and the old one is invalid
   * (SPEC.md [AUTH5]). Rejects with `agent_offline`, or `command_timeout` when the agent doesn't confirm in time.
   */
  rotate(agentId: string): Promise<void>;
  /**
   * Tells the agent, wherever in the hub its link is, that somebody wants the session to stay awake [SES10]. Rejects with `agent_offline`, and with
   * `conflict` where its version does not know that.
   */
  stayAwake(agentId: string, sessionId: string): Promise<void>;
  /**
   * What the session looked like last, from its agent or from an earlier answer of it [PIC2]. Rejects with `agent_offline`, `screen_unreachable` and
   * others where there is none.
   */
  picture(agentId: string, sessionId: string): Promise<SessionPicture>;
  /** Ends the agent's link, wherever in the hub it is, with the error's close code. Rejects when the store can't say where. */
  close(agentId: string, error: StreamSpaceError): Promise<void>;
}

/** The links of agents, as `agentGateway(deps)` makes them. */
export interface AgentGateway extends AgentLinks {
  readonly dispatcher: CommandNotifier;
  /** Whether this hub is about to stop and takes no agents and viewers any more. */
  readonly draining: boolean;
  /** Attaches to both servers' upgrades, and what other replicas ask to `internal`. Links end when the app closes. */
  register(app: FastifyInstance, internal: FastifyInstance): void;
}

/** What the link half asks of the REST half, besides {@link HubDeps}. */
export interface LinkDeps extends HubDeps {
  /** Where upgrades come from. */
  readonly clients: Clients;
  /** The agent id of a bearer credential (`ssa_<agent id>.<secret>`). Rejects with `unauthenticated`, which says the remedy. */
  authenticateAgent(bearer: string | undefined): Promise<string>;
  /** SPEC.md [VIEW3]: false for an `Origin` that is neither the hub's own nor an allowed one. */
  originAllowed(request: Pick<IncomingMessage, 'headers'>): boolean;
  /** Uses up a viewer's ticket [VIEW2]. Rejects with `ticket_invalid` when unknown, used, expired or for another session. */
  takeTicket(ticket: string | undefined, sessionId: string): Promise<TicketRecord>;
}
