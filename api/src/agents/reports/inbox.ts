import { type AgentMessage, type AgentMessageOf, StreamSpaceError } from '@streamspace/protocol';
import { type Clock, iso, Outage } from 'clock-port';
import type { FastifyBaseLogger } from 'fastify';
import type { CommandDispatcher } from '../../commands/dispatcher.ts';
import type { Publisher } from '../../events/publisher.ts';
import type { LinkMetrics } from '../link/metrics.ts';
import type { SessionProofs } from '../../sessions/proof.ts';
import type { Store } from '../../store/store.ts';
import { checkCredential } from '../fleet/credential-watch.ts';
import { sessionIdle } from './idle-report.ts';
import type { AgentLink } from '../link/link.ts';
import { forgotten } from '../fleet/reclaim.ts';
import { reported, ReportPages } from './report-pages.ts';
import { retrying } from '../../flow/retrying.ts';
import type { Rotations } from '../fleet/rotation.ts';
import type { SessionPictures } from './session-pictures.ts';
import { reconcile, type ReportDeps, sessionGone, sessionState } from './session-report.ts';
import { Throttle } from '../../flow/throttle.ts';

export interface InboxDeps {
  readonly store: Pick<Store, 'agents' | 'sessions' | 'commands' | 'credentials'>;
  readonly clock: Clock;
  readonly log: FastifyBaseLogger;
  readonly publish: Publisher;
  readonly dispatcher: CommandDispatcher;
  readonly rotations: Rotations;
  readonly pictures: Pick<SessionPictures, 'heard'>;
  readonly proofs: SessionProofs;
  readonly counters: LinkMetrics;
  /** Registers the link again if the store has lost its agent; false if another connection has the agent. */
  reclaim(link: AgentLink): Promise<boolean>;
}

/**
 * Handles the messages of a welcomed agent. Called from the read loop: answers at once, and queues store work behind the link's
 * earlier messages.
 */
export function inbox(deps: InboxDeps): (link: AgentLink, message: AgentMessage, bytes: number) => void {
  const { clock, dispatcher, rotations, counters, proofs } = deps;
  const strangers = new Throttle(clock, { burst: 5, everyMs: 10_000, keys: 10_000 });
  const reports: ReportDeps = {
    ...deps,
    stranger(agent, sessions) {
      counters.strangers.inc(sessions.length);
      if (strangers.pass(agent))
        deps.log.warn(
          { agent, count: sessions.length, sessions: sessions.slice(0, 10) },
          'Sessions that no hub made ignored',
        );
    },
  };
  const unheard = new Outage(clock, deps.log, 'Heartbeat not stored');
  /** The last heartbeat of a link, without its number: only a change makes an event. */
  const lastBeat = new WeakMap<AgentLink, string>();
  /** Pages of an incomplete report. */
  const pages = new WeakMap<AgentLink, ReportPages>();
  /** Links with a complete first report. */
  const reporting = new WeakSet<AgentLink>();

  const holds = async (link: AgentLink, beat: AgentMessageOf<'heartbeat'>): Promise<boolean> => {
    const store = () => deps.store.agents.heartbeat(link.agentId, link.connectionId, beat, iso(clock.now()));
    if (await store()) return true;
    if (!forgotten(await deps.store.agents.get(link.agentId), link)) return false;
    return (await deps.reclaim(link)) && store();
  };

  const onHeartbeat = async (link: AgentLink, beat: AgentMessageOf<'heartbeat'>): Promise<void> => {
    try {
      if (!(await holds(link, beat))) {
        return link.end(new StreamSpaceError('superseded', 'another connection of this agent was accepted'));
      }
      // a new enrolment sends no signal, and the signal of a revocation may have been lost
      if (!(await checkCredential(deps, link))) return;
    } catch (error) {
      // The next one is due soon; an outage of the store must not cost the agent's screens.
      counters.storeFailures.inc({ step: 'heartbeat' });
      unheard.failed({ err: error, agent: link.agentId });
      return;
    }
    // a signal to this replica may have been lost
    dispatcher.pump(link.agentId, true);
    const said = JSON.stringify([beat.status, beat.status_reason, beat.capacity, beat.active_sessions, beat.replicas]);
    if (lastBeat.get(link) === said) return;
    lastBeat.set(link, said);
    const agent = await deps.store.agents.get(link.agentId);
    if (agent !== undefined) await deps.publish.agent('agent.updated', agent);
  };

  return (link, message, bytes) => {
    const queue = (step: () => Promise<void>) =>
      link.queue(bytes, () =>
        retrying(clock, link.signal, step, () => counters.storeFailures.inc({ step: message.type })),
      );
    switch (message.type) {
      case 'heartbeat':
        link.tell({ type: 'heartbeat_ack', seq: message.seq });
        return link.queue(bytes, () => onHeartbeat(link, message));
      case 'sessions': {
        const report = pages.get(link) ?? new ReportPages(proofs, link.agentId);
        report.add(message.sessions);
        pages.delete(link);
        if (message.more === true) return void pages.set(link, report);
        const first = !reporting.has(link);
        reporting.add(link);
        return queue(() => reconcile(reports, link, report.sessions, link.since, first));
      }
      case 'session_state':
        return queue(() => sessionState(reports, link, reported(proofs, link.agentId, message.session)));
      case 'session_idle':
        return queue(() => sessionIdle(reports, link, message));
      case 'picture':
        return deps.pictures.heard(link, message);
      case 'session_gone':
        return queue(() => sessionGone(reports, link, message));
      case 'ack':
        return link.queue(bytes, () => dispatcher.ack(link, message), message.command_id);
      case 'result':
        return link.queue(
          bytes,
          async () => {
            const listed = await dispatcher.result(link, message);
            // it changes many sessions, so nothing runs in parallel
            if (listed === undefined) return;
            const { sessions } = new ReportPages(proofs, link.agentId).add(listed.sessions);
            queue(() => reconcile(reports, link, sessions, listed.asOf));
          },
          message.command_id,
        );
      case 'vnc_connected':
        return link.streams.connected(message);
      case 'vnc_disconnect':
        return link.streams.disconnected(message);
      case 'credential_stored':
        return queue(() => rotations.stored(link, message.rotation_id));
      case 'goodbye':
        // 1000: a normal end, requested by the agent
        return link.end(
          new StreamSpaceError(
            'agent_offline',
            message.reason === '' ? 'the agent left' : `the agent left: ${message.reason}`,
          ),
          1000,
        );
      case 'hello':
        throw new StreamSpaceError('invalid_request', 'a second hello on one connection');
    }
  };
}
