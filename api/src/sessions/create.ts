import { type Accepted, type CreateSession, type Session, StreamSpaceError } from '@streamspace/protocol';
import { publicCommand } from '../public/command.ts';
import type { CommandNotifier } from '../agents/ports.ts';
import type { HubDeps } from '../deps.ts';
import type { AgentRecord, CommandRecord } from '../store/store.ts';
import { addedByCreate } from '../quotas/count.ts';
import { quotaFor, subjectOf } from '../quotas/check.ts';
import { newCommand } from '../commands/new-command.ts';
import { needsOf, newSession, specFor } from './records.ts';
import type { Candidates } from './candidates.ts';
import { place } from './placement.ts';

/** How often a candidate that filled up meanwhile is replaced by the next. */
const ATTEMPTS = 5;

export interface CreateCaller {
  user: string;
  traceId: string;
  idempotencyKey?: string | undefined;
}

/**
 * Places a new session and stores it with its command, in one step; 202 is said after that (design I4).
 * Throws `template_unknown`, `region_unknown`, `no_placement`, `too_large` and `quota_exceeded` (with the reason in words), `conflict` for an idempotency key used for something else.
 */
export async function createSession(
  deps: HubDeps & { dispatcher: CommandNotifier; candidates: Candidates },
  wish: CreateSession,
  caller: CreateCaller,
): Promise<Accepted> {
  const { store, publish, candidates } = deps;
  const earlier =
    caller.idempotencyKey === undefined ? undefined : await store.sessions.created(caller.user, caller.idempotencyKey);
  if (earlier) return again(wish, earlier);
  const [template, seen] = await Promise.all([store.templates.get(wish.template), candidates.list(false)]);
  if (template === undefined) {
    const known = (await store.templates.list()).map(({ id }) => id).join(', ');
    throw new StreamSpaceError('template_unknown', `there is no template ${wish.template}; there are ${known}`);
  }
  const request = { platforms: template.platforms, ...needsOf(wish, template), region: wish.region, agent: wish.agent };
  if (wish.region !== undefined) await knowRegion(candidates, seen, wish.region);
  const full = new Set<string>();
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const among = (agents: AgentRecord[]) =>
      place(
        request,
        agents.map((agent) =>
          full.has(agent.id) ? { ...agent, active_sessions: agent.capacity.max_sessions } : agent,
        ),
        deps.clock.now(),
      );
    let placement = among(attempt === 0 ? seen : await candidates.list(true));
    // nobody is refused for what was so a moment ago
    if ('reasons' in placement) placement = among(await candidates.list(true));
    if ('reasons' in placement)
      throw new StreamSpaceError(
        placement.tooLarge ? 'too_large' : 'no_placement',
        `no place for the session: ${placement.reasons}`,
      );
    const { agent } = placement;
    const session = newSession(deps, wish, template, agent, caller.user);
    const payload = { spec: specFor(session, template) };
    const command = newCommand(deps, {
      action: 'create_session',
      agent: session.agent,
      session: session.id,
      user: caller.user,
      traceId: caller.traceId,
      payload,
    });
    session.command = command.id;
    const quota = quotaFor(deps, subjectOf(caller.user), addedByCreate(session));
    const { max_sessions: maxSessions, cpu, memory } = agent.capacity;
    const made = await store.sessions.create(
      session,
      command,
      { maxSessions, cpu, memory },
      caller.idempotencyKey,
      quota,
    );
    if (made === 'at_capacity') {
      full.add(agent.id);
      continue;
    }
    if (!made.created) return again(wish, made);
    candidates.placed(agent.id, session);
    deps.dispatcher.wake(agent.id);
    await Promise.all([publish.session(made.session), publish.command(made.command)]);
    return { session: made.session, command: publicCommand(made.command) };
  }
  throw new StreamSpaceError('at_capacity', 'agents filled up while the session was being placed: try again');
}

/** A region in which some agent is, or was: others take its sessions when those have no room. Throws `region_unknown`. */
async function knowRegion(candidates: Candidates, seen: readonly AgentRecord[], region: string): Promise<void> {
  const regions = (agents: readonly AgentRecord[]) => new Set(agents.map((agent) => agent.region).filter(Boolean));
  if (regions(seen).has(region)) return;
  const known = regions(await candidates.list(true));
  if (known.has(region)) return;
  throw new StreamSpaceError(
    'region_unknown',
    known.size === 0
      ? `there is no region ${region}: no agent here names one. Omit the region`
      : `there is no region ${region}; there are ${[...known].toSorted().slice(0, 20).join(', ')}`,
  );
}

/** The first answer, to a repeat of the same wish. */
function again(wish: CreateSession, { session, command }: { session: Session; command: CommandRecord }): Accepted {
  const { region: _region, ...fixed } = wish;
  // it may have another name by now
  const first = { ...session, name: command.payload.spec?.name ?? session.name };
  const different = (Object.keys(fixed) as (keyof typeof fixed)[]).filter(
    (field) => fixed[field] !== undefined && fixed[field] !== first[field],
  );
  if (different.length === 0) return { session, command: publicCommand(command) };
  throw new StreamSpaceError(
    'conflict',
    `this Idempotency-Key was used for a session with another ${different.join(', ')}: use a new key for a new session`,
  );
}
