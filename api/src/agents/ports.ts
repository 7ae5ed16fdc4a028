import type { IncomingMessage } from 'node:http';
import type { StreamSpaceError } from '@streamspace/protocol';
import type { FastifyInstance } from 'fastify';
import type { AuditJournal } from '../audit/journal.ts';
import type { HubDeps } from '../deps.ts';
import type { Clients } from '../http/client-address.ts';
import type { SignInWatch } from '../sign-in/watch.ts';
import type { TicketRecord } from '../store/store.ts';

/** Requests of the REST half to the half that holds the agents' links. */
export interface CommandNotifier {
  /** A command was appended for this agent: deliver it, here or by the replica that holds the agent. Returns at once, never throws. */
  wake(agentId: string): void;
}

/** A picture of a session's screen. */
export interface SessionPicture {
  /** A PNG file. */
  readonly png: Buffer;
  /** Time of the picture, milliseconds since 1970. */
  readonly at: number;
}

export interface AgentLinks {
  /**
   * Gives the agent a new credential over its live link, at whichever hub replica that is. Resolves when the agent has stored it and the old
   * one is invalid (SPEC.md [AUTH5]). Rejects with `agent_offline`, or `command_timeout` when the agent doesn't confirm in time.
   */
  rotate(agentId: string): Promise<void>;
  /**
   * Tells the agent, at whichever hub replica its link is, that somebody wants the session to stay awake [SES10]. Rejects with `agent_offline`,
   * and with `conflict` for an agent version without this feature.
   */
  stayAwake(agentId: string, sessionId: string): Promise<void>;
  /**
   * The session's last picture, from its agent or from an earlier answer of it [PIC2]. If there is none, rejects with `agent_offline`,
   * `screen_unreachable` and others.
   */
  picture(agentId: string, sessionId: string): Promise<SessionPicture>;
  /** Ends the agent's link, at whichever hub replica it is, with the error's close code. Rejects when the store can't name that replica. */
  close(agentId: string, error: StreamSpaceError): Promise<void>;
}

/** The links of agents, as made by `agentGateway(deps)`. */
export interface AgentGateway extends AgentLinks {
  readonly dispatcher: CommandNotifier;
  /** Whether this hub is about to stop and refuses new agents and viewers. */
  readonly draining: boolean;
  /** Serves the upgrades of both servers, and on `internal` the requests of other replicas. Links end when the app closes. */
  register(app: FastifyInstance, internal: FastifyInstance): void;
}

/** The parts of the REST half that the link half uses, besides {@link HubDeps}. */
export interface LinkDeps extends HubDeps {
  /** Takes note of who opens and closes a screen. */
  readonly audit: Pick<AuditJournal, 'record'>;
  /** Determines the source addresses of upgrades. */
  readonly clients: Clients;
  /** The agent id of a bearer credential (`ssa_<agent id>.<secret>`). Rejects with `unauthenticated`, which names the remedy. */
  authenticateAgent(bearer: string | undefined): Promise<string>;
  /** SPEC.md [VIEW3]: false for an `Origin` that is neither the hub's own nor an allowed one. */
  originAllowed(request: Pick<IncomingMessage, 'headers'>): boolean;
  /** Uses up a viewer's ticket [VIEW2]. Rejects with `ticket_invalid` for a ticket that is unknown, used, expired or for another session. */
  takeTicket(ticket: string | undefined, sessionId: string): Promise<TicketRecord>;
  /** Ends screens with the sign-in of their user. */
  readonly watch: Pick<SignInWatch, 'follow'>;
}
