import {
  type AgentMessageOf,
  type Session,
  SESSION_STATES,
  type SessionState,
  type SessionStatus,
} from '@streamspace/protocol';
import { type Clock, iso } from 'clock-port';
import type { Publisher } from '../../events/publisher.ts';
import { putOff } from '../../sessions/awake.ts';
import type { SessionProofs } from '../../sessions/proof.ts';
import { type CommandRecord, isFinal, type Store } from '../../store/store.ts';
import type { AgentLink } from '../link/link.ts';
import type { Reported } from './report-pages.ts';

export interface ReportDeps {
  readonly store: Pick<Store, 'agents' | 'sessions' | 'commands'>;
  readonly clock: Clock;
  readonly publish: Publisher;
  readonly proofs: SessionProofs;
  /** Gets unknown sessions that no hub has made: they are ignored [SES6]. */
  stranger(agent: string, sessions: readonly string[]): void;
}

/**
 * A session's change by its agent's report, or undefined for none. A command in progress has the
 * priority: its result decides the state.
 */
export function nextState(
  current: SessionState,
  reported: SessionStatus['state'],
  commandOpen: boolean,
): SessionState | undefined {
  if (current === 'gone') return undefined;
  if (commandOpen) {
    if (current === 'waking')
      return reported === 'starting' ? 'waking' : reported === 'hibernated' ? undefined : reported;
    if (current === 'pending' || current === 'starting') return reported === 'hibernated' ? undefined : reported;
    if (current === 'deleting' || current === 'hibernating') return undefined;
  }
  return reported;
}

/** An unknown session from its agent's report: a store that lost it learns it again [SES3]. */
export function learned(
  status: SessionStatus,
  agent: { id: string; platform: Session['platform']; region: string },
  at: string,
): Session {
  const { id, name, user, template, cpu, memory, storage, created_at } = status.spec;
  return {
    id,
    name,
    user,
    template,
    agent: agent.id,
    platform: agent.platform,
    region: agent.region,
    state: status.state,
    reason: status.reason ?? null,
    cpu,
    memory,
    storage,
    created_at,
    updated_at: at,
    command: null,
  };
}

/** Whether the link may still act for its agent, according to the store. */
export async function acting(deps: Pick<ReportDeps, 'store'>, link: AgentLink): Promise<boolean> {
  return (await deps.store.agents.get(link.agentId))?.connection_id === link.connectionId;
}

/** A session in another state has no announcement. */
const AWAKE = { sleeps_at: null } as const;

async function change(deps: ReportDeps, session: Session, state: SessionState, reason: string | null): Promise<void> {
  if (session.state === state && session.reason === reason) return;
  const changed = await deps.store.sessions.update(
    session.id,
    { state, reason, updated_at: iso(deps.clock.now()), ...(state !== 'running' && session.sleeps_at && AWAKE) },
    session.updated_at,
  );
  // a miss: another writer changed it meanwhile, with newer knowledge
  if (changed !== undefined) await deps.publish.session(changed);
}

async function latestCommand(deps: ReportDeps, { command: id }: Session): Promise<CommandRecord | undefined> {
  return id === null ? undefined : deps.store.commands.get(id);
}

/** Whether a command for it is not final: commands end in the order of acceptance, so the latest one decides. */
async function commandOpen(deps: ReportDeps, session: Session): Promise<boolean> {
  const command = await latestCommand(deps, session);
  return command !== undefined && !isFinal(command);
}

/** The session is gone from its platform: by its user's delete, even after that command's end, or by an outside cause. */
async function end(deps: ReportDeps, session: Session, reason: string): Promise<void> {
  const wished = session.state === 'deleting' || (await latestCommand(deps, session))?.action === 'delete_session';
  if (wished) return change(deps, session, 'gone', null);
  await change(deps, session, 'failed', reason === '' ? GONE : reason);
}

async function openSessions(deps: ReportDeps, agentId: string): Promise<Set<string | null>> {
  return new Set((await deps.store.commands.open(agentId)).map((command) => command.session));
}

/** `session_state`: a session changed by itself, or during a command. */
export async function sessionState(deps: ReportDeps, link: AgentLink, report: Reported): Promise<void> {
  const { status } = report;
  if (!(await acting(deps, link))) return;
  const known = await deps.store.sessions.get(status.spec.id);
  if (known === undefined) {
    if (report.provenance === 'none') return deps.stranger(link.agentId, [status.spec.id]);
    return learn(deps, link, status);
  }
  if (known.agent !== link.agentId) return;
  const state = nextState(known.state, status.state, await commandOpen(deps, known));
  if (state !== undefined) await change(deps, known, state, status.reason ?? null);
}

/** `session_gone`: it no longer exists, and no command of the hub removed it. */
export async function sessionGone(
  deps: ReportDeps,
  link: AgentLink,
  message: AgentMessageOf<'session_gone'>,
): Promise<void> {
  if (!(await acting(deps, link))) return;
  const known = await deps.store.sessions.get(message.session_id);
  if (known === undefined || known.agent !== link.agentId || known.state === 'gone') return;
  // its result decides
  if (known.state === 'deleting' && (await commandOpen(deps, known))) return;
  await end(deps, known, message.reason);
}

async function learn(deps: ReportDeps, link: AgentLink, status: SessionStatus): Promise<void> {
  const agent = await deps.store.agents.get(link.agentId);
  if (agent === undefined) return;
  const session = learned(status, agent, iso(deps.clock.now()));
  const kept = await deps.store.sessions.adopt(session);
  if (kept.agent === link.agentId) await deps.publish.session(kept);
}

const GONE = 'gone from the platform';
/** A failed session may never have existed: the reason of its failure is worth more than its absence. */
const SHOULD_BE: readonly SessionState[] = SESSION_STATES.filter((state) => state !== 'gone' && state !== 'failed');

/** The immutable part of a spec in the store: the name may have changed [SES9]. */
const KNOWN = ['id', 'user', 'template', 'cpu', 'memory', 'storage', 'created_at'] as const;

/** A stored session of an older version, or signed with an outgoing key, gets a new proof [SES6]. */
function prove({ proofs }: ReportDeps, link: AgentLink, known: Session, { about, status, provenance }: Reported): void {
  if (provenance === 'present' || link.version < 3 || known.agent !== link.agentId || known.state === 'gone') return;
  // not the spec as changed by the agent
  if (KNOWN.some((field) => known[field] !== status.spec[field])) return;
  link.tell({ type: 'session_proof', session_id: known.id, proof: proofs.sign(about) });
}

/**
 * A whole report [SES3]. Sessions changed at or after `asOf` (the time of the request, RFC 3339) stay unchanged: the report may be older
 * than the change. `first`: the link's first report, which cancels announcements of earlier links; the agent repeats them [SES10].
 */
export async function reconcile(
  deps: ReportDeps,
  link: AgentLink,
  report: readonly Reported[],
  asOf: string,
  first = false,
): Promise<void> {
  const { agentId: agent } = link;
  const [acts, open, sessions] = await Promise.all([
    acting(deps, link),
    openSessions(deps, agent),
    deps.store.sessions.list({ agent }),
  ]);
  if (!acts) return;
  const known = new Map(sessions.map((session) => [session.id, session]));
  const reported = new Set<string>();
  const strangers: string[] = [];
  for (const each of report) {
    const { status } = each;
    if (!link.open) return;
    reported.add(status.spec.id);
    const session = known.get(status.spec.id) ?? (await deps.store.sessions.get(status.spec.id));
    if (session === undefined) {
      if (each.provenance === 'none') strangers.push(status.spec.id);
      else await learn(deps, link, status);
      continue;
    }
    prove(deps, link, session, each);
    if (first && session.agent === agent) await putOff(deps, session);
    if (session.agent === link.agentId && !open.has(session.id) && session.updated_at < asOf) {
      const state = nextState(session.state, status.state, false);
      if (state !== undefined) await change(deps, session, state, status.reason ?? null);
    }
  }
  if (strangers.length > 0) deps.stranger(agent, strangers);
  for (const session of known.values()) {
    if (!link.open) return;
    if (reported.has(session.id) || open.has(session.id) || session.updated_at >= asOf) continue;
    if (SHOULD_BE.includes(session.state)) await end(deps, session, GONE);
    else if (session.state === 'failed' && (await latestCommand(deps, session))?.action === 'delete_session')
      await change(deps, session, 'gone', null);
  }
}
